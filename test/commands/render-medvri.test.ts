import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runRenderMedvri } from '../../src/commands/render-medvri.ts';
import { runCommand } from '../support/child.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'zk-render-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function render(file: string | null, example: boolean, stdin = '', env = {}) {
  const [out, complaints, bytes]: [string[], string[], Buffer[]] = [[], [], []];
  const io = {
    env,
    out: (text: string) => out.push(text),
    progress: (text: string) => complaints.push(text),
    readStdin: async () => Buffer.from(stdin),
  };
  const code = await runRenderMedvri(io, file, { example }, (written) => bytes.push(written));
  return { code, out: out.join('\n'), complaints, bytes: Buffer.concat(bytes) };
}

describe('render medvri', () => {
  it('prints an example that it can render', async () => {
    const example = await render(null, true);
    expect(example.code).toBe(0);
    const rendered = await render('-', false, example.out);
    expect(rendered).toMatchObject({ code: 0, complaints: [] });
    expect(rendered.bytes.toString()).toMatch(
      /^UNB\+UNOA:1\+500066001\+500088001\+[\s\S]*BSN999990019'[\s\S]*UNZ\+1\+CS000000000001'\r\n$/,
    );
  });

  it('names every wrong field, in Dutch or in English, and exits with 2', async () => {
    const example = JSON.parse((await render(null, true)).out);
    const patient = { ...example.registration.patient, bsn: '123' };
    const wrong = JSON.stringify({ ...example, registration: { ...example.registration, patient, extra: 1 } });
    expect(await render('-', false, wrong)).toMatchObject({
      code: 2,
      complaints: [
        'registration.patient.bsn: verwacht: een BSN: negen cijfers die aan de elfproef voldoen, als tekst',
        'registration.extra: dit veld bestaat niet',
      ],
    });
    const english = await render('-', false, wrong, { ZORGKOERIER_LANGUAGE: 'en' });
    expect(english.complaints[0]).toBe(
      'registration.patient.bsn: expected: a BSN: nine digits that pass the 11-test, as a string',
    );
  });

  it('names what is wrong around the registration', async () => {
    const example = JSON.parse((await render(null, true)).out);
    const complaintsOf = async (change: object) =>
      (await render('-', false, JSON.stringify({ ...example, ...change }))).complaints;
    expect((await complaintsOf({ from: 'x' }))[0]).toMatch(/^from: /);
    expect((await complaintsOf({ receiver: { charset: 'utf-8' } }))[0]).toMatch(/^receiver\.charset: /);
    expect((await complaintsOf({ references: ['CS1', 'CS2'] }))[0]).toMatch(/^references: .*1 nodig$/);
    expect((await complaintsOf({ references: ['x'] }))[0]).toMatch(/^references\.0: /);
    expect((await complaintsOf({ sentAt: 'nu' }))[0]).toMatch(/^sentAt: /);
    expect((await complaintsOf({ sentat: 1 }))[0]).toMatch(/^verwacht: from/);
    expect((await complaintsOf({ registration: undefined }))[0]).toMatch(/^registration: /);
  });

  it('refuses a file that is not there or no JSON, without repeating a letter of it', async () => {
    await writeFile(join(directory, 'jansen.json'), '{"bsn": 999990019 Jansen');
    await expect(render(join(directory, 'jansen.json'), false)).rejects.toThrow(/not JSON in UTF-8$/);
    await expect(render(join(directory, 'none.json'), false)).rejects.toThrow(/ENOENT/);
    await expect(render(null, false)).rejects.toThrow('a file, or --example');
    await expect(render('-', true)).rejects.toThrow('a file, or --example');
  });

  it('writes the bytes of ISO-8859-1 as they are, from the command line too', async () => {
    const example = JSON.parse((await render(null, true)).out);
    const file = join(directory, 'latin1.json');
    await writeFile(file, JSON.stringify({ ...example, receiver: { charset: 'latin1' } }));
    expect((await render(file, false)).bytes.includes(Buffer.from('Pati\xebnte', 'latin1'))).toBe(true);
    const ran = await runCommand(['render', 'medvri', '--example'], {});
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual(example);
  });
});
