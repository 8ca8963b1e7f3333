/**
 * A process that does what ec2_runner or `ec2_active --start` does, and is killed at a fault point:
 *
 *     bun launch_to_the_fault.ts CONFIG LOGIN POINT launch|start IMAGE|ID [TYPES]
 *
 * The point is in its own `deps`; the tools have no such hook.
 */
import { toOrder } from "../../lib/decisions/launches/launch_order.ts"
import { currentInstances, owned } from "../../lib/operations/launches/active.ts"
import { launch } from "../../lib/operations/launches/launch.ts"
import { startAgain } from "../../lib/operations/launches/restart.ts"
import { depsOf } from "./deps.ts"

const [configPath = "", login = "", fatal = "", what = "", subject = "", types = "m1.small"] =
  process.argv.slice(2)
const deps = depsOf(
  { configPath },
  {
    login,
    at(point) {
      if (point === fatal) process.kill(process.pid, "SIGKILL")
    },
  },
)
if (what === "start") {
  const own = await currentInstances(deps)
  for (const instance of owned(own, [subject], login))
    await startAgain(deps, instance, own, { dryRun: false })
} else {
  const order = toOrder({ image_id: subject, instance_type: types, key_name: "default", count: 2 })
  console.log(JSON.stringify((await launch(deps, order)).instances.map(({ id }) => id)))
}
