/** `npm run docs`: writes the generated parts, and says which files it changed. */

import { writeFileSync } from 'node:fs';
import { documentPath, generatedFiles, readDocument } from './generated.ts';

for (const { path, text } of generatedFiles()) {
  const isFresh = readDocument(path) === text;
  if (!isFresh) writeFileSync(documentPath(path), text);
  process.stdout.write(`${path}: ${isFresh ? 'fresh' : 'written'}\n`);
}
