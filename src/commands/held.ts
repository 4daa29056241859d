/** `zorgkoerier held list|show|release|discard`: what waits for a person's decision. Showing content is audited. */

import { appendAudit } from '../audit/audit.ts';
import { compose, composeOffice, type Office } from '../compose.ts';
import { discardHold, releaseHold, reopenContent } from '../pipeline/pipeline.ts';
import { findPractice } from '../practice/practice.ts';
import { type HeldItem, heldItemById, heldItems } from '../records/records.ts';
import { isReasonCode, reasonOf } from '../shared/reasons.ts';
import { configOf, type Io, type Language, say, table, UsageError } from './io.ts';
import { showDocument } from './show-report.ts';

const OWNERS: Readonly<Record<string, string>> = { practice: 'praktijk', laboratory: 'laboratorium', us: 'wij' };

export async function runHeldList(
  io: Io,
  options: { readonly json: boolean; readonly practice: string | null },
): Promise<number> {
  const config = configOf(io);
  const office = await composeOffice(config);
  try {
    const practice = options.practice === null ? null : await findPractice(office.ledger, options.practice);
    if (options.practice !== null && practice === null) throw new UsageError(`no practice ${options.practice}`);
    const items = await heldItems(office.ledger, practice?.id ?? null);
    if (options.json) {
      io.out(JSON.stringify(items.map((item) => described(item, config.language))));
      return 0;
    }
    if (items.length === 0)
      io.out(say(config, { nl: 'Niets wacht op een besluit.', en: 'Nothing waits for a decision.' }));
    else io.out(listing(items, config.language));
    return 0;
  } finally {
    await office.release();
  }
}

function described(item: HeldItem, language: Language) {
  const reason = isReasonCode(item.reason) ? reasonOf(item.reason) : null;
  return {
    id: item.deliveryId,
    mailId: item.mailId,
    mailbox: item.mailbox,
    target: item.target,
    state: item.state,
    reason: item.reason,
    detail: item.detail,
    owner: reason?.owner ?? 'us',
    actions: reason?.actions ?? [],
    text: reason?.[language] ?? item.reason,
    practiceAgb: item.practiceAgb,
    laboratory: item.laboratory ?? item.sender,
    since: item.settledAt.toISOString(),
    joined: item.originalId,
  };
}

function listing(items: readonly HeldItem[], language: Language): string {
  const heading =
    language === 'nl'
      ? ['nummer', 'sinds', 'mailbox', 'praktijk', 'aan zet', 'reden', '']
      : ['id', 'since', 'mailbox', 'practice', 'owner', 'reason', ''];
  const rows = items.map((item) => described(item, language));
  return table([
    heading,
    ...rows.map((row) => [
      row.id,
      row.since.slice(0, 16).replace('T', ' '),
      row.mailbox ?? '-',
      row.practiceAgb ?? '-',
      language === 'nl' ? (OWNERS[row.owner] ?? row.owner) : row.owner,
      row.reason,
      row.text,
    ]),
  ]);
}

export async function runHeldShow(
  io: Io,
  id: string,
  options: { readonly json: boolean; readonly content: boolean; readonly by: string },
): Promise<number> {
  const config = configOf(io);
  const office = await composeOffice(config);
  try {
    const item = await office.ledger.transaction((tx) => heldItemById(tx, id));
    if (item === null)
      throw new UsageError(say(config, { nl: `Er wacht niets onder ${id}`, en: `Nothing is held under ${id}` }));
    const facts = described(item, config.language);
    io.out(
      options.json
        ? JSON.stringify(facts)
        : table(Object.entries(facts).map(([name, value]) => [name, String(value ?? '-')])),
    );
    if (options.content) await showContent(io, office, item, options.by, config.language);
    return 0;
  } finally {
    await office.release();
  }
}

// A person looks at a patient's data: that is an act of its own, and audited before it happens.
async function showContent(io: Io, office: Office, item: HeldItem, by: string, language: Language): Promise<void> {
  await appendAudit(office.ledger, [
    {
      event: 'report.shown',
      actor: by,
      objectKind: 'delivery',
      objectId: item.deliveryId,
      practiceId: item.practiceId,
      patientKey: item.patientKey,
    },
  ]);
  io.out(showDocument({ file: item.mailId, payloads: await reopenContent(office, item) }, { language }));
}

export interface DecideOptions {
  readonly by: string;
  readonly reason: string;
  readonly overrideCard: string | null;
}

export async function runHeldRelease(io: Io, id: string, options: DecideOptions): Promise<number> {
  const config = configOf(io);
  const { courier, release } = await compose(config);
  try {
    await releaseHold(courier, id, options);
    io.out(
      say(config, { nl: 'Vrijgegeven: alle controles worden opnieuw gedaan.', en: 'Released: all checks run again.' }),
    );
    return 0;
  } finally {
    await release();
  }
}

export async function runHeldDiscard(io: Io, id: string, options: DecideOptions): Promise<number> {
  const config = configOf(io);
  const office = await composeOffice(config);
  try {
    await discardHold(office, id, options);
    io.out(say(config, { nl: 'Afgewezen; de inhoud is gewist.', en: 'Discarded; the content is erased.' }));
    return 0;
  } finally {
    await office.release();
  }
}
