/** Documents and other files that are no text: an invented one of the same kind stands in their place. */

const PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj
trailer<</Root 1 0 R>>
%%EOF
`;
const EMPTY_ZIP = Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)]);
const GZIP = Buffer.from('1f8b0800000000000003', 'hex');
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
);

/** What comes in the place of a file; null where it is text, or nothing that we can stand in for. */
export function documentInstead(contentType: string, bytes: Buffer): Buffer | null {
  const start = bytes.toString('latin1', 0, 1024);
  if (contentType === 'application/pdf' || start.includes('%PDF-')) return Buffer.from(PDF, 'latin1');
  if (start.startsWith('{\\rtf')) return Buffer.from('{\\rtf1 Een verzonnen document.}', 'latin1');
  // An office document is a zip too, and is known by its first entry: it has no stand-in.
  if (start.startsWith('PK'))
    return /^application\/.*(?:zip|octet-stream)/.test(contentType) && !isOffice(start) ? EMPTY_ZIP : null;
  if (start.startsWith('\x1f\x8b')) return GZIP;
  if (contentType.startsWith('image/') && contentType !== 'image/svg+xml') return PNG;
  if (/^application\/(?:x-)?pkcs7-(?:mime|signature)$|^application\/pgp-encrypted$/.test(contentType))
    return Buffer.from('MIAGCSqGSIb3DQEHA6CAMIACAQA=', 'base64');
  return null;
}

function isOffice(start: string): boolean {
  return /^(?:\[Content_Types\]\.xml|_rels\/|docProps\/|customXml\/|word\/|xl\/|ppt\/|mimetype)/.test(
    start.slice(30, 90),
  );
}
