/** The documentation says what the code says: generated parts are fresh, and what is written by hand forgets nothing. */

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { REASONS } from '../../src/shared/reasons.ts';
import { documentPath, generatedFiles, readDocument, replacePart } from './generated.ts';

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'docs/runbook.md',
  'docs/alarms.md',
  'docs/observability.md',
  'docs/formats.md',
];
const architecture = readDocument('ARCHITECTURE.md') ?? '';
const readme = readDocument('README.md') ?? '';

describe('the generated parts of the documentation', () => {
  it.each(generatedFiles())('are fresh in $path (else run: npm run docs)', ({ path, text }) => {
    expect(readDocument(path)).toBe(text);
  });

  it('name every reason in the runbook', () => {
    const page = readDocument('docs/runbook.md') ?? '';
    expect(Object.keys(REASONS).filter((code) => !page.includes(`\n### ${code}\n`))).toEqual([]);
  });

  it('replace what stands between their markers, and nothing else', () => {
    const document = 'a\n<!-- generated: x (npm run docs) -->\nold\n<!-- end of x -->\nb\n';
    const fresh = 'a\n<!-- generated: x (npm run docs) -->\n\nnew\n\n<!-- end of x -->\nb\n';
    expect(replacePart(document, 'x', 'new\n')).toBe(fresh);
    expect(replacePart(fresh, 'x', 'new\n')).toBe(fresh);
  });

  it.each([
    '',
    '<!-- generated: x (npm run docs) -->\n',
    '<!-- end of x --><!-- generated: x (npm run docs) -->\n',
  ])('refuse a document whose markers are damaged: %j', (document) => {
    expect(() => replacePart(document, 'x', 'new')).toThrow('markers of x');
  });
});

describe('the hand-written documentation', () => {
  it('gives every package that package.json names its reason, and no other', () => {
    const named = Object.keys({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
      ...manifest.overrides,
    });
    const chapter = architecture.split('\n## Dependencies')[1]?.split('\n## ')[0] ?? '';
    const explained = chapter
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(explained.sort()).toEqual(named.sort());
  });

  it('names every folder of src in the table of doors', () => {
    const folders = readdirSync(documentPath('src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const chapter = architecture.split('\n## Doors')[1]?.split('\n## ')[0] ?? '';
    expect(folders.filter(({ name }) => !chapter.includes(`| \`${name}/`)).map(({ name }) => name)).toEqual([]);
  });

  it('names every command of the command line in README', () => {
    const table = `${readDocument('src/cli.ts')}${readDocument('src/commands/practice-table.ts')}${readDocument('src/commands/audit-table.ts')}${readDocument('src/commands/alarm-table.ts')}`;
    const commands = [...table.matchAll(/\bprogram\s*\.command\('(\w+)/g)].map(([, command]) => command ?? '');
    expect(commands).toEqual(expect.arrayContaining(['start', 'practice', 'demo']));
    expect(commands.filter((command) => !readme.includes(`| \`${command}`))).toEqual([]);
  });

  it('names every subcommand of practice, held, audit, alarm and registration in README', () => {
    const chapter = readme.split('\n## Commands')[1]?.split('\n## ')[0] ?? '';
    const named = (group: string) =>
      [...chapter.matchAll(new RegExp(`^\\| \`${group} ([\\w\\\\|-]+)`, 'gm'))].flatMap(([, list]) =>
        (list ?? '').split('\\|'),
      );
    const cli = readDocument('src/cli.ts') ?? '';
    const defined = {
      practice: subcommands(readDocument('src/commands/practice-table.ts') ?? '').filter((name) => name !== 'practice'),
      audit: subcommands(readDocument('src/commands/audit-table.ts') ?? '').filter((name) => name !== 'audit'),
      alarm: subcommands(readDocument('src/commands/alarm-table.ts') ?? '').filter((name) => name !== 'alarm'),
      registration: subcommands(readDocument('src/commands/registration-table.ts') ?? '').filter(
        (name) => name !== 'registration',
      ),
      held: subcommands(cli.split("program.command('held')")[1]?.split('\nprogram')[0] ?? ''),
    };
    expect(defined.practice).toContain('set-password');
    expect(defined.held).toContain('release');
    expect(named('practice').sort()).toEqual(defined.practice.sort());
    expect(named('held').sort()).toEqual(defined.held.sort());
    expect(named('audit').sort()).toEqual(defined.audit.sort());
    expect(named('alarm').sort()).toEqual(defined.alarm.sort());
    expect(defined.registration).toContain('retry');
    expect(named('registration').sort()).toEqual(defined.registration.sort());
  });

  it.each(PAGES)('links in %s only to what is there', (path) => {
    const page = readDocument(path) ?? '';
    const links = [...page.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target ?? '');
    const missing = links.filter((link) => !existsSync(documentPath(normalize(join(dirname(path), link)))));
    expect(missing).toEqual([]);
  });

  it.each(PAGES)('links in %s only to headings that are there', (path) => {
    const page = readDocument(path) ?? '';
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor ?? '');
    expect(links.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
  });
});

function subcommands(source: string): string[] {
  return [...source.matchAll(/\.command\('([\w-]+)/g)].map(([, name]) => name ?? '');
}

// As GitHub makes them: lower case, punctuation away, blanks to hyphens.
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}
