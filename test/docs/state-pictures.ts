/** The states of src/ledger/states.ts, each set as a mermaid diagram and as a table. */

import type { StateRow } from '../../src/ledger/states.ts';

type States = Readonly<Record<string, StateRow<string>>>;

/** A mermaid state diagram. An arrow to the final point: nobody, person or program, leaves the state. */
export function stateDiagram(states: States): string {
  const rows = Object.entries(states);
  const names = rows
    .filter(([state]) => idOf(state) !== state)
    .map(([state]) => `    state "${state}" as ${idOf(state)}`);
  const arrows = rows.flatMap(([state, { leaves }]) =>
    leaves.length === 0
      ? [`    ${idOf(state)} --> [*]`]
      : leaves.map(({ to, by }) => `    ${idOf(state)} --> ${idOf(to)}: ${shortly(by)}`),
  );
  return ['```mermaid', 'stateDiagram-v2', ...names, ...arrows, '```'].join('\n');
}

/** One row per state: whether it is at rest, and who may leave it for what. */
export function stateTable(states: States): string {
  const rows = Object.entries(states).map(([state, { isAtRest, leaves }]) => {
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
function idOf(state: string): string {
  return state.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
