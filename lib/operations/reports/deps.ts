/** What reports work with. */
import type { Caller } from "../../host/caller/caller.ts"
import type { HomeFiles } from "../../host/home/home.ts"
import type { LedgerDeps } from "../launches/deps.ts"

export interface ReportDeps extends LedgerDeps {
  caller: Caller
  home: HomeFiles
}
