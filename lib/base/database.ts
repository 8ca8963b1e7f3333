/** Where the ledger lives, beside SQLite's files: a PostgreSQL server. */
export interface PostgresSettings {
  /** libpq's parameters, as [database] names them: keyword and value. */
  parameters: [keyword: string, value: string][]
  /** For errors: `dbname at host`. */
  name: string
}
