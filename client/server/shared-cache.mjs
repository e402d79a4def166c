// @ts-check
/**
 * Values that all requests of the same key share for a short time.
 *
 * The time counts from the start of loading, so no value is older than `maxAgeMs` plus the time
 * that it takes to load. At most `maxEntries` are kept; the oldest goes first.
 *
 * @template Value
 */
export class SharedCache {
  /** @type {Map<string, { startedAt: number, value: Promise<Value> }>} Oldest first. */
  #entries = new Map();

  /**
   * @param {object} options
   * @param {(key: string) => Promise<Value>} options.load
   * @param {(value: Value) => boolean} options.isShareable Other values go to the requests that
   *   wait for them already, and are not kept.
   * @param {number} options.maxAgeMs
   * @param {number} options.maxEntries
   * @param {() => number} [options.now]
   */
  constructor({ load, isShareable, maxAgeMs, maxEntries, now = () => performance.now() }) {
    this.load = load;
    this.isShareable = isShareable;
    this.maxAgeMs = maxAgeMs;
    this.maxEntries = maxEntries;
    this.now = now;
  }

  /**
   * Return the value of a key. Concurrent calls load it once.
   *
   * @param {string} key
   * @returns {Promise<Value>}
   */
  get(key) {
    this.#evict();
    const known = this.#entries.get(key);
    if (known) return known.value;
    const startedAt = this.now();
    const value = this.load(key);
    const entry = { startedAt, value };
    this.#entries.set(key, entry);
    const forget = () => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    value.then((loaded) => this.isShareable(loaded) || forget(), forget);
    return value;
  }

  get size() {
    return this.#entries.size;
  }

  #evict() {
    const oldest = this.now() - this.maxAgeMs;
    for (const [key, { startedAt }] of this.#entries) {
      if (startedAt > oldest && this.#entries.size < this.maxEntries) return;
      this.#entries.delete(key);
    }
  }
}
