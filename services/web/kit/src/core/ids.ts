/** 22 characters of [0-9a-zA-Z_-], 132 bits of randomness: for client ids and request ids. Works without a secure context. */
export function newId(): string {
  const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-';
  let id = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(22))) id += alphabet[byte & 63];
  return id;
}
