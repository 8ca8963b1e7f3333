/** What the other hosts of a course call this one. */
import { hostname } from "node:os"

export const hostName = (): string => hostname()
