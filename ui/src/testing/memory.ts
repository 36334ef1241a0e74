/** A storage that lasts as long as the test, as `sessionStorage` lasts through a reload. */
export class MemoryStorage implements Storage {
  readonly #all = new Map<string, string>();

  get length(): number {
    return this.#all.size;
  }

  key(index: number): string | null {
    return [...this.#all.keys()][index] ?? null;
  }

  getItem(name: string): string | null {
    return this.#all.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    this.#all.set(name, value);
  }

  removeItem(name: string): void {
    this.#all.delete(name);
  }

  clear(): void {
    this.#all.clear();
  }
}
