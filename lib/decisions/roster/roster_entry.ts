/** One person of the course, as the roster has it. */
export interface RosterEntry {
  login: string
  /** The registrar's or the learning system's number of the person; "" where the file had none. */
  person: string
  /** In the file's order; none where it had no such column. */
  sections: string[]
  email: string
  fullName: string
}
