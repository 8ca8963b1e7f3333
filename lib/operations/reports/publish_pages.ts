/** Each student's page, and the course's, in a web server's directory: `[reports] html_dir`. */
import { statSync } from "node:fs"
import { join } from "node:path"
import type { Config } from "../../base/config.ts"
import { Failed, messageOf, ToolError } from "../../base/errors.ts"
import { loginPattern } from "../../base/login.ts"
import { plural } from "../../base/text.ts"
import { msPerHour, type UtcMs } from "../../base/time.ts"
import { requirePageDirectory, type SharedPage, writeSharedPages } from "../../host/files/shared_pages.ts"
import { uidOfLogin } from "../../host/processes/libc.ts"
import type { LedgerDeps } from "../launches/deps.ts"
import { balancesOf } from "./balances.ts"
import { htmlPage } from "./html_page.ts"
import { termOf } from "./query.ts"

/** So many at once in memory. */
const pagesAtOnce = 200
/** A page of a student who has nothing running is at most so old. */
const restingMs = msPerHour

/**
 * Writes the course's page and those of students who have something running, whose page is missing, or is an hour old. Returns
 * warnings. Throws Failed where the directory may not be used.
 */
async function publishPages(deps: LedgerDeps): Promise<string[]> {
  const { usageDb, usersDb, config, clock } = deps
  const { htmlDir, webServer } = config.reports
  if (htmlDir === null) return []
  requirePageDirectory(htmlDir, process.geteuid?.() ?? 0)
  const webServerUid = uidOfLogin(webServer)
  if (webServerUid === null)
    throw new Failed("html_dir", `[reports] web_server ${webServer} is no login of this host`)
  const nowUtcMs = clock.now()
  const tariff = usageDb.prices.tariff(config)
  const scope = { login: null, range: termOf(config.course, nowUtcMs), nowUtcMs }
  const balances = balancesOf(usageDb, tariff, config, scope)
  const running = new Set(usageDb.ledger.openInstances(null).map(({ login }) => login))
  const logins = new Set([...balances.map(({ login }) => login), ...usersDb.users.logins(), ...running])
  const due = [...logins].filter(
    (login) =>
      loginPattern.test(login) && (running.has(login) || isDue(join(htmlDir, pageName(login)), nowUtcMs)),
  )
  const pageOf = (login: string): SharedPage => {
    const own = balances.filter((balance) => balance.login === login)
    const uid = uidOfLogin(login)
    return {
      name: pageName(login),
      text: htmlPage(usageDb, tariff, config, { ...scope, login }, own),
      readers: [webServerUid, ...(uid === null ? [] : [uid])],
    }
  }
  const course: SharedPage = {
    name: pageName("ALL"),
    text: htmlPage(usageDb, tariff, config, scope, balances),
    readers: [webServerUid, ...staffUids(config)],
  }
  const refused = await writeSharedPages(htmlDir, [course])
  for (let from = 0; from < due.length; from += pagesAtOnce)
    refused.push(...(await writeSharedPages(htmlDir, due.slice(from, from + pagesAtOnce).map(pageOf))))
  if (refused.length === 0) return []
  const named = refused.slice(0, 3).join(", ")
  return [
    `html_dir ${htmlDir}: no access control list can be set there, ${plural(refused.length, "page")} not written (${named}); mount it with ACLs`,
  ]
}

/** The same; what keeps the pages from being written at all is a warning, too: cron has done its work. */
export async function publishOrSay(deps: LedgerDeps): Promise<string[]> {
  try {
    return await publishPages(deps)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    return [`pages not written: ${messageOf(error)}`]
  }
}

function pageName(login: string): string {
  return `${login}.html`
}

function isDue(path: string, nowUtcMs: UtcMs): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined || Math.abs(nowUtcMs - stats.mtimeMs) >= restingMs) return true
  // Whoever copied it there, or opened it, is set right.
  return (stats.mode & 0o777) !== 0o640
}

/** Of staff that the config names without a glob. */
function staffUids({ course }: Config): number[] {
  return course.staff.map((login) => uidOfLogin(login)).filter((uid) => uid !== null)
}
