/** The machine's own log, for what must not be lost and can be written nowhere else. */
import { writeToSyslog } from "./libc.ts"

/** Writes one line with priority warning to AUTHPRIV, where staff alone read it. Nothing tells whether it arrived. */
export function toSystemLog(line: string): void {
  // RFC 3164 and most daemons cut at a kilobyte or a few
  writeToSyslog(line.slice(0, 1000))
}
