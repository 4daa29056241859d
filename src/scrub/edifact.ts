/** An EDIFACT payload, by the spans of its components: delimiters, release characters and everything between segments stay. */

import { DEFAULT_DELIMITERS, type Delimiters, readServiceString, type Segment, tokenise } from '../edifact/edifact.ts';
import { type ElementRule, PNA_NAME, RFF_BSN, ruleOf } from './edifact-slots.ts';
import { type Edit, editOf, movedBy } from './edit.ts';
import type { Policies, Policy } from './policies.ts';

interface Span {
  readonly start: number;
  readonly end: number;
}

/** The edits; null where it is too large to be tokenised. */
export function scrubEdifact(text: string, policies: Policies): readonly Edit[] | null {
  const tokens = tokenise(Buffer.from(text, 'latin1'), null);
  if (tokens.kind === 'tokens') return editsOf(text, tokens.segments, policies);
  if (tokens.code === 'edifact.too-large') return null;
  // A service string that contradicts itself: what follows is read by the usual delimiters.
  const from = text.search(/UN[BH]/);
  const rest = from === -1 ? [] : scrubEdifact(text.slice(from), policies);
  return rest === null ? null : movedBy(rest, Math.max(from, 0));
}

function editsOf(text: string, segments: readonly Segment[], policies: Policies): readonly Edit[] {
  const edits: Edit[] = [];
  let delimiters = DEFAULT_DELIMITERS;
  let messageKind = '';
  let before = 0;
  for (const segment of segments) {
    delimiters = announced(text, before, segment.start) ?? delimiters;
    if (segment.tag === 'UNH') messageKind = (segment.elements[1] ?? []).join(':').toUpperCase();
    edits.push(...segmentEdits(text, segment, delimiters, messageKind, policies));
    if (segment.tag === 'UNZ') delimiters = DEFAULT_DELIMITERS;
    before = segment.end;
  }
  return edits;
}

function announced(text: string, from: number, to: number): Delimiters | null {
  const at = text.slice(from, to).indexOf('UNA');
  return at === -1 ? null : (readServiceString(text, from + at, from === 0)?.delimiters ?? null);
}

function segmentEdits(
  text: string,
  segment: Segment,
  delimiters: Delimiters,
  messageKind: string,
  policies: Policies,
): readonly Edit[] {
  const { start, isTerminated } = segment;
  const end = isTerminated ? segment.end - 1 : segment.end;
  // What is no tag is text that came to stand there.
  if (!/^[A-Z][A-Z0-9]{2}$/.test(segment.tag)) return editOf(text, start, end, (sent) => policies.text(sent));
  const rule = ruleOf(segment.tag, messageKind);
  const [, ...elements] = split(text, { start, end }, delimiters.element, delimiters.release);
  return elements.flatMap((element, index) =>
    elementEdits(
      text,
      element,
      particular(segment, index, rule.elements[index] ?? rule.rest ?? 'text'),
      delimiters,
      policies,
      clockOf(segment),
    ),
  );
}

type Clock = readonly [] | readonly [hour: number, minute: number];

// DET's second element is the time of the day in its first: it tells whether the hour is a doubtful one.
function clockOf({ tag, elements }: Segment): Clock {
  const [, hour, minute] = (tag === 'DET' && /^(\d{1,2}):(\d{2})/.exec((elements[1] ?? []).join(':'))) || [];
  return hour === undefined ? [] : [Number(hour), Number(minute)];
}

// Where the content says more than the place.
function particular(segment: Segment, index: number, rule: ElementRule): ElementRule {
  const components = segment.elements[index] ?? [];
  if (segment.tag === 'PNA' && index >= 2) return PNA_NAME;
  if (segment.tag === 'PNA' && index === 1 && !components.includes('LZB')) return 'bsn';
  if (segment.tag === 'RFF' && components[0] === 'LZB') return RFF_BSN;
  return rule;
}

function elementEdits(
  text: string,
  element: Span,
  rule: ElementRule,
  { component, release }: Delimiters,
  policies: Policies,
  clock: Clock,
): readonly Edit[] {
  const components = split(text, element, component, release);
  if (rule === 'date') return dateEdits(text, components, policies, clock);
  if (rule === 'moment') return momentEdits(text, components, policies);
  if (rule === 'qualified') return qualifiedEdits(text, components, policies);
  const rules: readonly Policy[] = typeof rule === 'string' ? [] : rule;
  const single = typeof rule === 'string' ? rule : 'text';
  return components.flatMap((span, index) => {
    const policy = rules.length === 0 ? single : (rules[index] ?? 'text');
    return editOf(text, span.start, span.end, (sent) => policies.apply(policy, sent));
  });
}

// `1980:10:25`; a date in one component is compact, and what is no date is text.
function dateEdits(text: string, components: readonly Span[], policies: Policies, clock: Clock): readonly Edit[] {
  const [year, month, day] = components;
  const [yearText = '', monthText = '', dayText = ''] = components.map((span) => text.slice(span.start, span.end));
  const isDate =
    /^\s*(?:\d{2}|\d{4})\s*$/.test(yearText) && /^\d{0,2}$/.test(monthText) && /^\d{0,2}\s*$/.test(dayText);
  if (!isDate || year === undefined) {
    return components.flatMap((span) => editOf(text, span.start, span.end, (sent) => policies.compactDate(sent)));
  }
  const moved = policies.dates.move(yearText, monthText, dayText, ...clock);
  return [year, month, day].flatMap((span, index) =>
    span === undefined ? [] : editOf(text, span.start, span.end, () => moved[index] ?? ''),
  );
}

// `261116:0915`: the clock time says whether the hour is a doubtful one.
function momentEdits(text: string, components: readonly Span[], policies: Policies): readonly Edit[] {
  const [date, time, ...others] = components;
  if (date === undefined) return [];
  const clock = time === undefined ? '' : text.slice(time.start, time.end);
  const dated = editOf(text, date.start, date.end, (sent) =>
    policies.compactDate(sent, sent.length > 6 ? 4 : 2, clock),
  );
  const rest = others.flatMap((span) => editOf(text, span.start, span.end, (sent) => policies.text(sent)));
  return [...dated, ...rest];
}

// `137:202611160910:203`: the last number says how the year is written (UN 2379; 2xx of two digits is 201).
function qualifiedEdits(text: string, components: readonly Span[], policies: Policies): readonly Edit[] {
  const [, digits, format] = components;
  if (digits === undefined) return [];
  const isShort = format !== undefined && text.slice(format.start, format.end).trim() === '201';
  return editOf(text, digits.start, digits.end, (sent) => policies.compactDate(sent, isShort ? 2 : null));
}

/** The spans between separators; a released one separates nothing. */
function split(text: string, { start, end }: Span, separator: string, release: string | null): readonly Span[] {
  const spans: Span[] = [];
  let from = start;
  for (let at = start; at < end; at += 1) {
    if (text[at] === release && at + 1 < end) at += 1;
    else if (text[at] === separator) {
      spans.push({ start: from, end: at });
      from = at + 1;
    }
  }
  return [...spans, { start: from, end }];
}
