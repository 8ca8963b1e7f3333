/** An error as a student reads it, whose own hands cannot mend the installation. */

/** Words of what only the account or root can do. */
const staffOnly = /\b(init_dbs|root_access_key|root access key|backup_dbs|setup --[a-z-]+|chown it first)\b/

/** The error, and whom to tell where only staff can mend it. */
export function forStudent(message: string): string {
  if (!staffOnly.test(message) || /\bstaff\b/.test(message)) return message
  return `${message}: only your course's staff can mend that; tell them`
}
