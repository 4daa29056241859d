/**
 * docs/formats.md says of each element where it goes. Every row is held against the code: the fixture that it names has the
 * element filled, the report beside it has the field, the bundle beside it has the path; and nothing is forgotten.
 */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { elementText, readEnvelope, type Segment, tokenise } from '../../src/edifact/edifact.ts';
import { fieldOf, type Hl7Segment, readHl7 } from '../../src/hl7/hl7.ts';
import { ELEMENT_COUNTS, HEAD_TAGS } from '../../src/lab/from-edifact/medlab.ts';
import { GROUP_TAGS } from '../../src/lab/from-edifact/specimen.ts';
import { openFile, type Payload } from '../../src/mail/mail.ts';
import { documentPath, readDocument } from './generated.ts';

interface Row {
  readonly section: string;
  readonly element: string;
  readonly fields: readonly string[];
  /** FHIR paths; the cell may also say in words what happens (`finds the card`). */
  readonly paths: readonly string[];
  readonly isOnCard: boolean;
  readonly fixture: string;
  readonly because: string;
}

const page = readDocument('docs/formats.md') ?? '';
const rows = page.split('\n## ').slice(1).flatMap(rowsOf);
const carried = rows.filter(({ fields }) => fields.length > 0);

function rowsOf(chapter: string): readonly Row[] {
  const [section = '', ...lines] = chapter.split('\n');
  return lines
    .filter((line) => /^\| (?!element|field|---)/.test(line) && !line.startsWith('|---'))
    .map((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      const [, element = '', fields = '', card = '', fixture = '', because = ''] = cells;
      const quoted = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text ?? '');
      return { section, element, fields: quoted(fields), paths: quoted(card), isOnCard: card !== '', fixture, because };
    });
}

function json(fixture: string, kind: 'report' | 'bundle'): unknown {
  return JSON.parse(readFileSync(documentPath(`fixtures/${fixture}.${kind}.json`), 'utf8'));
}

/** All values at a path, whatever lists stand in between. */
function valuesAt(document: unknown, path: readonly string[]): readonly unknown[] {
  if (Array.isArray(document)) return document.flatMap((item) => valuesAt(item, path));
  const [name, ...rest] = path;
  if (name === undefined) return [document];
  if (document === null || typeof document !== 'object') return [];
  return valuesAt((document as Record<string, unknown>)[name], rest);
}

const isSaid = (value: unknown) => value !== undefined && value !== null && value !== '' && value !== false;

/** Whether a report holds the field; `payload.…` is about the payload around it. */
function hasField(fixture: string, field: string): boolean {
  const { payloads } = json(fixture, 'report') as { payloads: unknown };
  const path = field.startsWith('payload.') ? field.slice('payload.'.length) : `reports.${field}`;
  const values = valuesAt(payloads, path.split('.'));
  // false is a statement where there are two, and "not said" is null.
  const isClaim = /\.is(?:Complete|BsnValid)$/.test(field);
  return values.some((value) => isSaid(value) || (isClaim && value === false));
}

interface Written {
  readonly resourceType?: string;
}

function hasPath(fixture: string, path: string): boolean {
  const [, type = '', inside = '', extension] = /^(\w+)\.([\w.]+)(?:\(([\w-]+)\))?$/.exec(path) ?? [];
  const resources = (json(fixture, 'bundle') as { entry?: { resource: Written }[] }[]).flatMap(({ entry = [] }) =>
    entry.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === type),
  );
  const values = valuesAt(resources, [...inside.split('.'), ...(extension === undefined ? [] : ['url'])]);
  return extension === undefined ? values.some(isSaid) : values.some((url) => String(url).endsWith(`/${extension}`));
}

const payloads = new Map<string, readonly Payload[]>();

async function payloadsOf(fixture: string): Promise<readonly Payload[]> {
  const name = ['edi', 'hl7', 'eml']
    .map((end) => `${fixture}.${end}`)
    .find((one) => existsSync(documentPath(`fixtures/${one}`)));
  if (name === undefined) return [];
  return (await openFile(readFileSync(documentPath(`fixtures/${name}`)), name)).payloads;
}

function edifactSegments({ bytes, charset }: Payload): readonly Segment[] {
  const tokens = tokenise(bytes, charset);
  return tokens.kind === 'refused' ? [] : tokens.segments;
}

function hl7Segments({ bytes, charset }: Payload): readonly Hl7Segment[] {
  return readHl7(bytes, charset).messages.flatMap((message) => (message.kind === 'message' ? message.segments : []));
}

/** `BEP.3`, `NAD SLA.2`, `DTM SCO`: whether one such element is filled in the fixture. */
function isFilled(fixture: string, element: string, isHl7: boolean): boolean {
  const [, tag = '', qualifier, place] = /^(\w{3})(?: (\w+))?(?:\.(\d+))?$/.exec(element) ?? [];
  const index = place === undefined ? 1 : Number(place);
  return (payloads.get(fixture) ?? []).some((payload) =>
    isHl7
      ? hl7Segments(payload).some((segment) => segment.name === tag && fieldOf(segment, index).trim() !== '')
      : edifactSegments(payload).some(
          (segment) =>
            segment.tag === tag &&
            (qualifier === undefined || segment.elements[0]?.[0] === qualifier) &&
            elementText(segment, index) !== null,
        ),
  );
}

beforeAll(async () => {
  for (const fixture of new Set(carried.map((row) => row.fixture))) payloads.set(fixture, await payloadsOf(fixture));
});

describe('every row of docs/formats.md', () => {
  it('that carries an element names a fixture that has it, in the message and in the report', () => {
    expect(carried.length).toBeGreaterThan(100);
    const wrong = carried.flatMap(({ section, element, fields, fixture }) => [
      ...(/^[A-Z]/.test(element) && !isFilled(fixture, element, section.startsWith('HL7'))
        ? [`${element} is not in ${fixture}`]
        : []),
      ...fields.filter((field) => !hasField(fixture, field)).map((field) => `${element}: no ${field} in ${fixture}`),
    ]);
    expect(wrong).toEqual([]);
  });

  it('that reaches the card names paths that the bundle beside the fixture has', () => {
    const paths = carried.flatMap(({ element, paths: named, fixture }) =>
      named.filter((path) => !hasPath(fixture, path)).map((path) => `${element}: no ${path} in ${fixture}`),
    );
    expect(paths).toEqual([]);
    expect(carried.flatMap((row) => row.paths).length).toBeGreaterThan(100);
  });

  it('that stops on the way says why, and names no path', () => {
    const silent = rows.filter(({ fields, isOnCard, because }) => (fields.length === 0 || !isOnCard) && because === '');
    expect(silent.map(({ element }) => element)).toEqual([]);
    expect(
      rows.filter(({ fields, isOnCard }) => fields.length === 0 && isOnCard).map(({ element }) => element),
    ).toEqual([]);
  });

  it('would be noticed if it were wrong', () => {
    expect(hasField('edifact/plain', 'specimens.volume')).toBe(false);
    expect(hasPath('edifact/plain', 'Observation.valueString')).toBe(false);
    expect(hasPath('edifact/plain', 'Observation.extension(ext-CopyIndicator)')).toBe(false);
    expect(isFilled('edifact/plain', 'IDE.4', false)).toBe(false);
    expect(isFilled('hl7/plain', 'OBX.16', true)).toBe(false);
  });
});

describe('docs/formats.md forgets', () => {
  it('no field of the published schema, and names none that is not there', () => {
    const published = schemaLeaves();
    const named = new Set(carried.flatMap(({ fields }) => fields));
    expect(published.filter((field) => !named.has(field))).toEqual([]);
    expect([...named].filter((field) => !published.includes(field))).toEqual([]);
  });

  it('no segment of MEDLAB that the reader knows, and no element of it', () => {
    const elements = new Set(rows.filter(({ section }) => section.startsWith('MEDLAB')).map(({ element }) => element));
    const tags = ['UNB', 'UNH', ...HEAD_TAGS, 'DET', ...GROUP_TAGS, 'COM', 'UNT', 'UNZ'];
    const known = tags.flatMap((tag) =>
      Array.from({ length: ELEMENT_COUNTS.get(tag) ?? 1 }, (_, index) => `${tag}.${index + 1}`),
    );
    expect(known.length).toBeGreaterThan(50);
    expect(known.filter((element) => !elements.has(element))).toEqual([]);
    expect([...elements].filter((element) => !tags.includes(element.slice(0, 3)))).toEqual([]);
  });

  it('no field of HL7 that the reader names', () => {
    const elements = new Set(rows.filter(({ section }) => section.startsWith('HL7')).map(({ element }) => element));
    const sources = globSync(documentPath('src/lab/from-hl7/*.ts')).map((path) => readFileSync(path, 'utf8'));
    const read = sources.flatMap((text) => [
      ...text.matchAll(
        /(?:fieldOf|textAt|momentAt|repetitionsAt)\((?:context, )?(msh|pid|nte|orc|obr|obx|spm), (\d+)/g,
      ),
    ]);
    const named = new Set(read.map(([, segment = '', field]) => `${segment.toUpperCase()}.${field}`));
    expect(named.size).toBeGreaterThan(20);
    expect([...named].filter((element) => !elements.has(element))).toEqual([]);
  });

  it('no tag of MEDRPT that its reader knows', () => {
    const tags = new Set(
      rows.filter(({ section }) => section.startsWith('MEDRPT')).map(({ element }) => element.slice(0, 3)),
    );
    const fixtures = globSync(documentPath('fixtures/edifact/medrpt-*.edi'))
      .filter((path) => !path.endsWith('unknown-segment.edi'))
      .map((path) => readFileSync(path));
    const sent = fixtures.flatMap((bytes) => {
      const tokens = tokenise(bytes, null);
      return tokens.kind === 'refused'
        ? []
        : readEnvelope(tokens.segments).messages.flatMap(({ body }) => body.map(({ tag }) => tag));
    });
    // Heads of groups have no meaning of their own.
    const groups = new Set(['S01', 'S02', 'S04', 'S06', 'S07', 'S16', 'S20']);
    expect([...new Set(sent)].filter((tag) => !tags.has(tag) && !groups.has(tag))).toEqual([]);
  });
});

interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly $ref?: string;
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

/** The leaves of docs/lab-report.schema.json as the table names them: within a report, or `payload.…`. */
function schemaLeaves(): readonly string[] {
  const schema = JSON.parse(readDocument('docs/lab-report.schema.json') ?? '{}') as SchemaNode & {
    readonly $defs: Readonly<Record<string, SchemaNode>>;
  };
  const leaves = new Set<string>();
  const walk = (given: SchemaNode, path: string): void => {
    const node = given.$ref === undefined ? given : (schema.$defs[given.$ref.replace('#/$defs/', '')] ?? {});
    const children = [
      ...Object.entries(node.properties ?? {}),
      ...(node.items === undefined ? [] : [['', node.items] as const]),
    ];
    for (const [name, child] of children) walk(child, name === '' ? path : `${path}.${name}`);
    for (const choice of (node.anyOf ?? []).filter(({ type }) => type !== 'null')) walk(choice, path);
    if (children.length === 0 && (node.anyOf ?? []).every(({ $ref, properties }) => !$ref && !properties))
      leaves.add(path);
  };
  walk(schema, '');
  return (
    [...leaves]
      .map((path) => path.replace(/^\.payloads\./, 'payload.').replace(/^payload\.reports\./, ''))
      // A position is told once, whose part of it a format has; it never has a component without its field.
      .filter((path) => path !== '.file' && !/position\.(?:repetition|component)$/.test(path))
      .filter((path) => !/^(?:holds|payload\.warnings)\.position\.(?:element|field)$/.test(path))
  );
}
