/** The states of a delivery (src/ledger/states.ts), as a mermaid diagram and as a table. */

import { DELIVERY_STATES, type DeliveryState, type StateRow } from '../../src/ledger/states.ts';

const ROWS = Object.entries(DELIVERY_STATES) as readonly (readonly [DeliveryState, StateRow])[];

/** A mermaid state diagram. An arrow to the final point: nobody, person or program, leaves the state. */
export function stateDiagram(): string {
  const names = ROWS.filter(([state]) => idOf(state) !== state).map(
    ([state]) => `    state "${state}" as ${idOf(state)}`,
  );
  const arrows = ROWS.flatMap(([state, { leaves }]) =>
    leaves.length === 0
      ? [`    ${idOf(state)} --> [*]`]
      : leaves.map(({ to, by }) => `    ${idOf(state)} --> ${idOf(to)}: ${shortly(by)}`),
  );
  return ['```mermaid', 'stateDiagram-v2', ...names, ...arrows, '```'].join('\n');
}

/** One row per state: whether it is at rest, and who may leave it for what. */
export function stateTable(): string {
  const rows = ROWS.map(([state, { isAtRest, leaves }]) => {
    const ways = leaves.map(({ to, by }) => `→ \`${to}\` by ${by}`).join('<br>');
    return `| \`${state}\` | ${isAtRest ? 'yes' : 'no'} | ${ways === '' ? 'nobody' : ways} |`;
  });
  return ['| state | at rest | who may leave it |', '|---|---|---|', ...rows].join('\n');
}

// The table has the whole of it; a picture has little room.
function shortly(by: string): string {
  return by.replace(/ \(.*\)/, '');
}

// A hyphen in an identifier is an arrow to mermaid.
function idOf(state: DeliveryState): string {
  return state.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
