/** What `held release` says when it is done: what now happens, since each way to release does something else. */

import type { ReasonAction } from '../shared/reasons.ts';
import type { Words } from './io.ts';

const RELEASED: Readonly<Record<Exclude<ReasonAction, 'discard' | 'retry'>, Words>> = {
  release: { nl: 'Vrijgegeven: alle controles worden opnieuw gedaan.', en: 'Released: all checks run again.' },
  acknowledge: {
    nl: 'Vrijgegeven: alle controles worden opnieuw gedaan, behalve die waarover nu besloten is.',
    en: 'Released: all checks run again but the one that was decided on.',
  },
  override: {
    nl: 'Vrijgegeven voor de aangewezen kaart: daar wordt de uitslag afgeleverd als die kaart actief is, van deze praktijk, en van het BSN in het bericht. Alle andere controles worden opnieuw gedaan.',
    en: 'Released to the named card: it is delivered there if that card is active, of this practice and of the BSN in the report. All other checks run again.',
  },
  'number-reused': {
    nl: 'Vrijgegeven: het labnummer geldt als opnieuw gebruikt. De uitslag wordt bij deze patiënt afgeleverd, en de eerste patiënt houdt de zijne. De andere controles worden opnieuw gedaan.',
    en: 'Released: the lab number counts as used anew. The result is delivered to this patient, and the first patient keeps theirs. The other checks run again.',
  },
  'retract-first': {
    nl: 'Vrijgegeven: eerst wordt bij de eerste patiënt alles onder dit labnummer ingetrokken, van kaart en board; pas daarna wordt deze uitslag afgeleverd. Lukt het intrekken niet, dan wacht hij weer (held list). De andere controles worden opnieuw gedaan.',
    en: 'Released: first all that the first patient has under this lab number is taken back, from card and board; only then is this result delivered. Where that fails it is held again (held list). The other checks run again.',
  },
  'same-determination': {
    nl: 'Vrijgegeven: de uitslag komt op de plaats van de eerdere, en er staat er één op de kaart; de eerdere blijft in de historie, en latere berichten vinden hem onder beide codes. De andere controles worden opnieuw gedaan.',
    en: 'Released: the result takes the earlier one’s place, and one stands on the card; the earlier one stays in the history, and later reports find it under either code. The other checks run again.',
  },
};

/** In both languages. */
export function releasedWords(action: ReasonAction): Words {
  return action === 'discard' || action === 'retry' ? RELEASED.release : RELEASED[action];
}
