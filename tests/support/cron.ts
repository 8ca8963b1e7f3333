/** A course whose cron looks at the emulator by the emulator's own time. */

import { openAws } from "../../lib/aws/aws.ts"
import { utcMsOf } from "../../lib/base/time.ts"
import { systemClock } from "../../lib/host/clock.ts"
import { loadConfig } from "../../lib/host/config/config.ts"
import { runCron } from "../../lib/operations/usage/cron.ts"
import { usageDbAt } from "./databases.ts"
import { credentials, type Emulator } from "./emulator.ts"
import { type ConfigChanges, type Workspace, workspace } from "./tools.ts"

export function courseWithCron(emulator: Emulator, changes: ConfigChanges = {}) {
  const course: Workspace = workspace({ endpoint: emulator.endpoint, config: changes })
  const config = loadConfig(course.configPath)
  const clock = { now: () => utcMsOf(emulator.proxy.world.clock.now()), sleep: systemClock.sleep }
  const interrupt = new AbortController().signal
  const aws = openAws(() => ({
    ...config.aws,
    credentials,
    clock: systemClock,
    interrupt,
  }))
  const usageDb = usageDbAt({ path: config.paths.usageDb, clock, create: true })
  const deps = { aws, usageDb, config, clock }
  return {
    ...{ course, config, clock, aws, usageDb, deps },
    cron: (options = { cloudTrail: false }) => runCron(deps, options),
    spent: (login: string | null) =>
      usageDb.transaction(() =>
        usageDb.ledger.spent(usageDb.prices.tariff(config), login, null, clock.now()),
      ),
    close() {
      usageDb.close()
      aws.close()
      course.remove()
    },
  }
}
