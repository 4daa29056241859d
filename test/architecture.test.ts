/**
 * What the linter cannot say: doors, the order of the layers, banned names, file size, and that production needs no
 * development package. Every rule is a function from files to complaints, and is shown here to be able to complain.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface SourceFile {
  /** From the root, with slashes: `src/mail/mail.ts`. */
  readonly path: string;
  readonly text: string;
}

type Rule = (files: readonly SourceFile[]) => string[];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SIZE_MAX_LINES = 350;
/** Lists of codes and reasons: long by nature, nothing to understand. */
const SIZE_EXEMPT = ['src/shared/reasons.ts'];
const BANNED_NAMES = ['index.ts', 'types.ts', 'interfaces.ts', 'utils.ts', 'util.ts', 'helpers.ts', 'common.ts'];

/** From above to below; modules of one layer do not know each other, but for the ALLOWED. */
const LAYERS: readonly (readonly string[])[] = [
  ['cli'],
  ['commands'],
  ['compose'],
  ['api', 'health'],
  ['pipeline'],
  ['delivery/patient-card', 'delivery/board', 'delivery/zorgmail', 'queue', 'mailbox'],
  ['records'],
  ['practice', 'source'],
  ['reading', 'scrub'],
  ['lab', 'receipt', 'registration'],
  ['mail'],
  ['edifact', 'hl7'],
  ['alarms', 'audit', 'keys'],
  ['ledger'],
  ['config', 'shared'],
];
const ALLOWED: readonly (readonly [string, string])[] = [
  // Whether a result reached the board is asked with the card's own identifiers.
  ['delivery/board', 'delivery/patient-card'],
  ['config', 'shared'],
];
/** A file per command and a file per subject: nothing to hide behind a door. */
const WITHOUT_DOOR = ['cli', 'compose', 'commands', 'shared', 'sandbox'];
/** The outside world of the demo; the embedded services are also what ZORGKOERIER_EMBEDDED=1 starts. */
const SANDBOX_USERS = [/^src\/commands\/demo/, /^src\/sandbox\//];
const SERVICES_USERS = [/^src\/commands\//, /^src\/compose\.ts$/, /^src\/sandbox\//];

function walk(directory: string): SourceFile[] {
  return readdirSync(join(ROOT, directory), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: path.slice(ROOT.length), text: readFileSync(path, 'utf8') }));
}

const IMPORT = /^(?:import|export)\s(?:[^;'"]*?\sfrom\s)?\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

/** What a file imports, as paths from the root; packages as their bare name. `isType`: erased, so not needed at run time. */
function importsOf(file: SourceFile): { target: string; isType: boolean }[] {
  return [...file.text.matchAll(IMPORT)].map((match) => {
    const target = match[1] ?? match[2] ?? '';
    const isType = /^(import|export)\s+type\s/.test(match[0]);
    return { target: target.startsWith('.') ? normalize(join(dirname(file.path), target)) : target, isType };
  });
}

/** `src/lab/from-hl7/specimen.ts` belongs to `lab`, `src/delivery/board/board.ts` to `delivery/board`, `src/cli.ts` to `cli`. */
function moduleOf(path: string): string {
  const [, first = '', second = ''] = path.split('/');
  return first === 'delivery' ? `${first}/${second}` : first.replace(/\.ts$/, '');
}

const doorOf = (module: string) => `src/${module}/${module.split('/').at(-1)}.ts`;
const layerOf = (module: string) => LAYERS.findIndex((layer) => layer.includes(module));
const isOurs = (path: string) => path.startsWith('src/');
const isWithin = (users: readonly RegExp[], path: string) => users.some((user) => user.test(path));

/** Every import from one module to another. */
function crossings(files: readonly SourceFile[]): { from: string; to: string; fromModule: string; toModule: string }[] {
  return files
    .filter((file) => isOurs(file.path))
    .flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => isOurs(target) && moduleOf(target) !== moduleOf(file.path))
        .map(({ target }) => ({
          from: file.path,
          to: target,
          fromModule: moduleOf(file.path),
          toModule: moduleOf(target),
        })),
    );
}

const everyModuleHasADoor: Rule = (files) => {
  const paths = new Set(files.map((file) => file.path));
  const modules = new Set([...paths].filter(isOurs).map(moduleOf));
  return [...modules]
    .filter((module) => !WITHOUT_DOOR.includes(module) && !paths.has(doorOf(module)))
    .map((module) => `${doorOf(module)} is missing`);
};

const everyDoorExplainsItself: Rule = (files) =>
  files
    .filter((file) => isOurs(file.path) && file.path === doorOf(moduleOf(file.path)) && !file.text.startsWith('/**'))
    .map((file) => `${file.path} does not begin with what it receives, promises and never does`);

const everyModuleHasALayer: Rule = (files) =>
  [...new Set(files.filter((file) => isOurs(file.path)).map((file) => moduleOf(file.path)))]
    .filter((module) => module !== 'sandbox' && layerOf(module) === -1)
    .map((module) => `src/${module} has no layer: give it one in LAYERS`);

const importsGoDownwards: Rule = (files) =>
  crossings(files)
    .filter(({ fromModule, toModule }) => fromModule !== 'sandbox' && toModule !== 'sandbox')
    .filter(({ fromModule, toModule }) => layerOf(fromModule) >= layerOf(toModule))
    .filter(({ fromModule, toModule }) => !ALLOWED.some(([from, to]) => from === fromModule && to === toModule))
    .map(({ from, to }) => `${from} imports ${to}, which is not below it`);

const onlyDoorsAreImported: Rule = (files) =>
  crossings(files)
    .filter(({ fromModule, toModule }) => fromModule !== 'sandbox' && !WITHOUT_DOOR.includes(toModule))
    .filter(({ to, toModule }) => to !== doorOf(toModule))
    .map(({ from, to, toModule }) => `${from} imports ${to} past its door ${doorOf(toModule)}`);

const theSandboxStaysOutside: Rule = (files) =>
  crossings(files)
    .filter(({ toModule }) => toModule === 'sandbox')
    .filter(({ from, to }) => !isWithin(to.startsWith('src/sandbox/services/') ? SERVICES_USERS : SANDBOX_USERS, from))
    .map(({ from, to }) => `${from} imports ${to}: the sandbox is for the demo and the tests`);

const noBannedNames: Rule = (files) =>
  files
    .filter((file) => BANNED_NAMES.includes(file.path.split('/').at(-1) ?? ''))
    .map((file) => `${file.path}: a file is named after what it holds`);

const noLargeFiles: Rule = (files) =>
  files
    .filter((file) => isOurs(file.path) && !SIZE_EXEMPT.includes(file.path))
    .map((file) => ({ path: file.path, lines: file.text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > SIZE_MAX_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${SIZE_MAX_LINES}`);

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly devDependencies: Record<string, string>;
};

const productionNeedsNoDevelopmentPackage: Rule = (files) =>
  files
    .filter((file) => isOurs(file.path) && moduleOf(file.path) !== 'sandbox')
    .flatMap((file) =>
      importsOf(file)
        .filter(({ target, isType }) => !isType && Object.hasOwn(manifest.devDependencies, packageOf(target)))
        .map(({ target }) => `${file.path} needs ${target}, which production does not install`),
    );

const packageOf = (target: string) =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');

const file = (path: string, text = ''): SourceFile => ({ path, text });
const lines = (count: number) => 'x\n'.repeat(count);

/** Each rule with files that break it: a rule that accepts those could not fail. */
const RULES: readonly { readonly says: string; readonly rule: Rule; readonly broken: readonly SourceFile[] }[] = [
  { says: 'every folder has its door', rule: everyModuleHasADoor, broken: [file('src/mail/parts.ts')] },
  {
    says: 'every door begins with a header that explains it',
    rule: everyDoorExplainsItself,
    broken: [file('src/mail/mail.ts', 'export {};\n')],
  },
  { says: 'every folder has its layer', rule: everyModuleHasALayer, broken: [file('src/stuff/stuff.ts')] },
  {
    says: 'imports go downwards',
    rule: importsGoDownwards,
    broken: [file('src/mail/mail.ts', "import { a } from '../lab/lab.ts';\n")],
  },
  {
    says: 'modules of one layer do not know each other',
    rule: importsGoDownwards,
    broken: [file('src/mailbox/mailbox.ts', "import type {\n  Queue,\n} from '../queue/queue.ts';\n")],
  },
  {
    says: 'only doors are imported from elsewhere',
    rule: onlyDoorsAreImported,
    broken: [file('src/pipeline/read.ts', "export { parts } from '../mail/parts.ts';\n")],
  },
  {
    says: 'only the demo and the tests import the sandbox',
    rule: theSandboxStaysOutside,
    broken: [file('src/pipeline/read.ts', "const people = await import('../sandbox/people.ts');\n")],
  },
  { says: 'no file has a name that says nothing', rule: noBannedNames, broken: [file('test/mail/utils.ts')] },
  { says: 'no file is too large', rule: noLargeFiles, broken: [file('src/mail/mail.ts', lines(351))] },
  {
    says: 'production needs no development package',
    rule: productionNeedsNoDevelopmentPackage,
    broken: [file('src/lab/lab.ts', "import { it } from 'vitest';\n")],
  },
];

describe('the architecture', () => {
  const files = [...walk('src'), ...walk('test')];

  it('is looked at: the files of src and test are found', () => {
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['src/shared/failure.ts', 'test/architecture.test.ts']),
    );
  });

  it.each(RULES)('holds: $says', ({ rule }) => {
    expect(rule(files)).toEqual([]);
  });

  it.each(RULES)('would notice if it did not hold: $says', ({ rule, broken }) => {
    expect(rule(broken)).toHaveLength(1);
  });

  it('allows what the plan allows', () => {
    const fine = [
      file('src/delivery/board/ask.ts', "import { a } from '../patient-card/patient-card.ts';\n"),
      file('src/lab/from-hl7/report.ts', "import { a } from '../value.ts';\nimport type { B } from 'vitest';\n"),
      file('src/compose.ts', "import { startServices } from './sandbox/services/services.ts';\n"),
      file('src/mail/mail.ts', `/** */\nimport '../shared/failure.ts';\n${lines(348)}`),
    ];
    for (const rule of [importsGoDownwards, onlyDoorsAreImported, theSandboxStaysOutside, noLargeFiles]) {
      expect(rule(fine)).toEqual([]);
    }
    expect(productionNeedsNoDevelopmentPackage(fine)).toEqual([]);
  });
});
