/** How a key of config.toml is explained. */

export interface KeyReference {
  key: string
  /** The default as TOML writes it, or a word for it. */
  default: string
  /** Sentences. Backticks mark what is typed. */
  meaning: string
}

export interface TableReference {
  /** `course`, or `limits.users.LOGIN`. */
  table: string
  about: string
  keys: readonly KeyReference[]
}

export const key = (key: string, byDefault: string, meaning: string): KeyReference => ({
  key,
  default: byDefault,
  meaning,
})
