import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/threat-model.md', 'utf8');

/** The rows of its tables: way in, what stops it, shown by. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| way in'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()));

describe('the threat model', () => {
  it('names for every way in what stops it and the test that shows it', () => {
    expect(rows.length).toBeGreaterThan(25);
    for (const row of rows)
      expect(row).toEqual([expect.any(String), expect.any(String), expect.stringMatching(/^(`test\/|see ")/)]);
  });

  it('names tests that exist', () => {
    const tests = rows.flatMap(([, , shown = '']) =>
      [...shown.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path),
    );
    expect(tests.length).toBeGreaterThan(25);
    expect(tests.filter((path) => !existsSync(path))).toEqual([]);
  });

  it.each([
    'Hostile mail',
    'A stolen database',
    'A stolen queue',
    'A compromised worker',
    'A curious operator',
  ])('says of each adversary what is left over: %s', (name) => {
    const section = page.split('\n## ').find((part) => part.startsWith(`${name}\n`)) ?? '';
    expect(section).toContain('\nLeft over: ');
  });
});
