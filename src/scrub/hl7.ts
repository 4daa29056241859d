/** An HL7 payload, line by line and by the spans of its components; separators, escape sequences and framing stay. */

import { documentInstead } from './documents.ts';
import { type Edit, editOf } from './edit.ts';
import { type FieldRule, fieldRule, observedRule } from './hl7-slots.ts';
import type { Policies, Policy } from './policies.ts';

interface Separators {
  readonly field: string;
  readonly component: string;
  readonly repetition: string;
  readonly escapeCharacter: string;
  readonly subcomponent: string;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Place {
  readonly text: string;
  readonly policies: Policies;
  readonly separators: Separators;
}

const BOM = '\xef\xbb\xbf';
// What CX says of itself where its number is a BSN: MinBZK as authority, or the type NNNLD.
const BSN_MARKS = /NLMINBIZA|NNNLD|2\.16\.840\.1\.113883\.2\.4\.6\.3(?!\d)/i;

export function scrubHl7(text: string, policies: Policies): readonly Edit[] {
  const edits: Edit[] = [];
  let separators: Separators | null = null;
  // A line that is no segment continues the field before it.
  let continued: FieldRule = 'text';
  for (const match of text.matchAll(/[^\r\n]+/g)) {
    const span = unframed(text, { start: match.index, end: match.index + match[0].length });
    const line = text.slice(span.start, span.end);
    separators = separatorsOf(line) ?? separators;
    const place: Place | null = separators === null ? null : { text, policies, separators };
    const isSegment =
      place !== null && /^[A-Z][A-Z0-9]{2}/.test(line) && (line.length === 3 || line[3] === place.separators.field);
    if (place !== null && isSegment) {
      edits.push(...segmentEdits(place, span));
      continued = line.startsWith('OBX') ? 'value' : 'text';
    } else if (place !== null) edits.push(...leaves(place, span, continued));
    else edits.push(...editOf(text, span.start, span.end, (sent) => policies.text(sent)));
  }
  return edits;
}

// MLLP's bytes and byte order marks stand around a line, not in it.
function unframed(text: string, { start, end }: Span): Span {
  const isFrame = (at: number) => text[at] === '\x0b' || text[at] === '\x1c';
  let [from, to] = [start, end];
  for (; from < to && (isFrame(from) || text.startsWith(BOM, from)); ) from += isFrame(from) ? 1 : BOM.length;
  while (to > from && isFrame(to - 1)) to -= 1;
  return { start: from, end: to };
}

function separatorsOf(line: string): Separators | null {
  const [, field = '', encoding = ''] = /^(?:MSH|FHS|BHS)([!-/:-@[-`{-~])([!-/:-@[-`{-~]{1,5}?)\1/.exec(line) ?? [];
  const [component = '', repetition = '', escapeCharacter = '', subcomponent = ''] = encoding;
  return field === '' || encoding === '' ? null : { field, component, repetition, escapeCharacter, subcomponent };
}

function segmentEdits(place: Place, span: Span): readonly Edit[] {
  const { text, separators } = place;
  const [name, ...fields] = split(text, span, separators.field);
  const segment = name === undefined ? '' : text.slice(name.start, name.end);
  const isHeader = /^(?:MSH|FHS|BHS)$/.test(segment);
  const sent = (field: number) => {
    const at = fields[field - 1];
    return at === undefined ? '' : text.slice(at.start, at.end);
  };
  return fields.flatMap((field, index) => {
    // MSH-1 is the separator itself and MSH-2 the others.
    const number = index + (isHeader ? 2 : 1);
    if (isHeader && number === 2) return [];
    if (segment === 'OBX' && number === 5) return observed(place, field, sent(2));
    return leaves(place, field, fieldRule(segment, number));
  });
}

function observed(place: Place, field: Span, type: string): readonly Edit[] {
  if (type.trim() !== 'ED') return leaves(place, field, observedRule(type.split(place.separators.component)[0] ?? ''));
  return split(place.text, field, place.separators.repetition).flatMap((repetition) => encapsulated(place, repetition));
}

// `source^type^subtype^encoding^data`: a document gives way to an invented one, in the same encoding.
function encapsulated(place: Place, repetition: Span): readonly Edit[] {
  const { text, separators, policies } = place;
  const components = split(text, repetition, separators.component);
  const [source, , , encoding, data] = components;
  const head = source === undefined ? [] : leaves(place, source, 'name');
  if (data === undefined) return head;
  const whole = { start: data.start, end: repetition.end };
  const coding = encoding === undefined ? '' : text.slice(encoding.start, encoding.end).trim().toLowerCase();
  if (coding !== 'base64' && coding !== 'hex')
    return [...head, ...editOf(text, whole.start, whole.end, (sent) => policies.text(sent))];
  const isReadable = coding === 'hex' ? /^[\s0-9A-Fa-f]*$/ : /^[\sA-Za-z0-9+/=]*$/;
  const made = documentInstead('application/pdf', Buffer.alloc(0)) ?? Buffer.alloc(0);
  return [
    ...head,
    // Data that cannot be decoded stays such, and is replaced all the same.
    ...editOf(
      text,
      whole.start,
      whole.end,
      (sent) => made.toString(coding) + (isReadable.test(sent.replace(/\\\.br\\/g, '')) ? '' : '*'),
    ),
  ];
}

function leaves(place: Place, field: Span, rule: FieldRule): readonly Edit[] {
  const { text, separators, policies } = place;
  return split(text, field, separators.repetition).flatMap((repetition) =>
    split(text, repetition, separators.component).flatMap((component, index) =>
      split(text, component, separators.subcomponent).flatMap((leaf) => {
        const policy = policyAt(rule, index);
        const isBsn = policy === 'bsn' && BSN_MARKS.test(text.slice(repetition.start, repetition.end));
        return editOf(text, leaf.start, leaf.end, (sent) =>
          isBsn ? policies.apply('bsn', sent) : aroundEscapes(place, policy, sent),
        );
      }),
    ),
  );
}

function policyAt(rule: FieldRule, component: number): Policy {
  if (typeof rule === 'string') return rule === 'compact-date' && component > 0 ? 'keep' : rule;
  return rule[component] ?? 'text';
}

// An escape sequence stays; one that carries letters as hexadecimal digits carries others.
function aroundEscapes({ separators, policies }: Place, policy: Policy, sent: string): string {
  const { escapeCharacter } = separators;
  if (policy === 'bsn') return policies.bsnOrId(sent);
  if (escapeCharacter === '' || !sent.includes(escapeCharacter)) return policies.apply(policy, sent);
  const quoted = `\\${escapeCharacter}`;
  const sequence = new RegExp(`(${quoted}(?:[A-Z]|\\.[a-z]{2}[+-]?\\d{0,4}|X[0-9A-Fa-f]+|Z[^${quoted}]*)${quoted})`);
  // Between two sequences a short piece is no short value.
  const ofPieces = policy === 'value' ? 'text' : policy;
  return sent
    .split(sequence)
    .map((piece, index) => {
      if (index % 2 === 0) return policies.apply(ofPieces, piece);
      if (piece.startsWith('X', 1)) return piece.replace(/[46][1-9A-Fa-f]|[57][0-9Aa]/g, '78');
      return piece.startsWith('Z', 1) ? piece.slice(0, 2) + policies.text(piece.slice(2)) : piece;
    })
    .join('');
}

function split(text: string, { start, end }: Span, separator: string): readonly Span[] {
  if (separator === '') return [{ start, end }];
  const spans: Span[] = [];
  let from = start;
  for (let at = text.indexOf(separator, start); at !== -1 && at < end; at = text.indexOf(separator, at + 1)) {
    spans.push({ start: from, end: at });
    from = at + 1;
  }
  return [...spans, { start: from, end }];
}
