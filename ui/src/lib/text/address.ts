const HIGHEST_PORT = 65_535;

/** Addresses to try when this one is taken: the next ports, then `:0` for any free one. */
export function suggestions(address: string): string[] {
  const at = address.lastIndexOf(':');
  const host = at < 0 ? '127.0.0.1' : address.slice(0, at);
  const port = Number(address.slice(at + 1)) || 8080;
  const ports = [port + 1, port + 2, port + 10].filter((next) => next <= HIGHEST_PORT);
  return [...ports, 0].map((next) => `${host}:${next}`);
}
