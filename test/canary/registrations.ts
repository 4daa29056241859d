/** Registrations full of marks: in every field that a source may fill, sent, refused by a relay that quotes, held and discarded. */

import {
  acceptRegistration,
  disableRegistrations,
  discardRegistration,
  enableRegistrations,
  retryRegistration,
} from '../../src/pipeline/pipeline.ts';
import type { PostedRegistration } from '../../src/registration/registration.ts';
import type { SandboxPractice } from '../../src/sandbox/people.ts';
import { newId, type SourceId } from '../../src/shared/ids.ts';
import { addSource, untilState } from '../support/registrations.ts';
import type { Journey } from '../support/world.ts';
import type { MarkedPerson, Marks } from './marks.ts';

const DECISION = { by: 'sanne', reason: 'besloten', anew: true };

/** Everything that can become of one. Answers how many mails arrived in the practice's mailbox. */
export async function registrationsHappen(
  journey: Journey,
  marks: Marks,
  marked: MarkedPerson,
  practice: Pick<SandboxPractice, 'key' | 'agb'>,
): Promise<number> {
  const { courier, world } = journey;
  const source = await addSource(journey);
  const receiver = await journey.practice(practice.key);
  const enabled = { name: 'registrations', mode: 'live', determinations: null, since: null } as const;
  const authorised = { authorisedBy: 'P. Praktijkhouder', authorisedOn: '2026-11-20' };
  await enableRegistrations(courier.ledger, receiver, { ...enabled, ...authorised }, 'sanne');
  const post = () => posted(journey, source, markedRegistration(marks, marked, practice.agb));
  const quoting = (reply: number) => ({ reply, text: `${marks.remark} ${marked.person.bsn} ${marked.person.family}` });

  // A relay that says for a moment, and for good, that it will not, in words of the mail.
  world.relay.fail({ at: 'rcpt', act: quoting(450) });
  await untilState(journey, await post(), 'sent', 40_000);
  world.relay.fail({ at: 'data', act: quoting(554) });
  const refused = await post();
  await untilState(journey, refused, 'held', 40_000);
  await retryRegistration(courier, refused, DECISION);
  await untilState(journey, refused, 'sent', 40_000);
  world.relay.fail({ at: 'rcpt', act: quoting(550) });
  const discarded = await post();
  await untilState(journey, discarded, 'held', 40_000);
  await discardRegistration(courier, discarded, DECISION);
  // A body that is refused, and one that comes when the practice takes none any more.
  const body = markedRegistration(marks, marked, practice.agb);
  const answers = [await acceptRegistration(courier, source, newId(), { ...body, text: `${body.text} ≠` })];
  await disableRegistrations(courier.ledger, receiver, 'sanne');
  answers.push(await acceptRegistration(courier, source, newId(), body));
  if (answers.map(({ kind }) => kind).join() !== 'refused,not-enabled') throw new Error('not as expected');
  return 2;
}

function markedRegistration(marks: Marks, { person, street, phone }: MarkedPerson, agb: string): PostedRegistration {
  const { family, prefix, partnerFamily, partnerPrefix, given, initials } = person;
  return {
    practice: { agb },
    patient: {
      ...{ bsn: person.bsn, birthDate: person.birthDate, sex: person.sex },
      name: { family, prefix, partnerFamily, partnerPrefix, given, initials },
    },
    author: { name: marks.sender, role: marks.subject },
    source: { kind: 'card', field: marks.determination },
    writtenAt: '2026-11-25T10:15:00+01:00',
    text: `${marks.remark}\n${street} 1\n${phone}\n${marks.value()}\n${person.family}`,
    earlier: null,
  };
}

async function posted(journey: Journey, source: SourceId, body: PostedRegistration): Promise<string> {
  const answer = await acceptRegistration(journey.courier, source, newId(), body);
  if (answer.kind !== 'accepted') throw new Error(`not accepted: ${answer.kind}`);
  return answer.registration.id;
}
