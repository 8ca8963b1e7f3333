/** `npm run demo`: a course's day through the compiled tools, on an emulated AWS. Ends with 1 at any surprise. */
import { DescribeInstancesCommand } from "@aws-sdk/client-ec2"
import { ListUsersCommand } from "@aws-sdk/client-iam"
import { tagOf } from "../../lib/base/instance.ts"
import { startEmulator } from "../support/emulator.ts"
import { workspace } from "../support/tools.ts"
import { Stage, Surprise } from "./stage.ts"

interface UserReport {
  user: string
  lowest_usd: number
  highest_usd: number
}

const [staff, ann, bob] = ["cs61c", "cs61c-an", "cs61c-bo"] as const

const emulator = await startEmulator()
const course = workspace({
  endpoint: emulator.endpoint,
  config: {
    limits: { max_hourly_cost: 0.25, max_instances: 4, budget: 25, course_budget: 1000 },
    launch: { image: emulator.fixtures.imageParameter, instance_type: "t3.micro" },
  },
})
const stage = new Stage(course)

try {
  await day()
  console.log("\nThat was a day. Nothing runs any more, and nothing was left behind.")
} catch (error) {
  console.log(
    `\nUnexpected: ${error instanceof Surprise ? error.message : ((error as Error).stack ?? error)}`,
  )
  process.exitCode = 1
} finally {
  course.remove()
  process.exit()
}

async function day(): Promise<void> {
  console.log(`A course's day with the tools of dist/libexec. AWS is emulated at ${emulator.endpoint} (moto, a real
implementation of its API, behind a small proxy); no AWS account is used and nothing costs anything. On a login host,
students call ec2-util, ec2-run, ec2-active and ec2-usage, which cross into the privileged account first. Here each
tool runs directly, as the login in front of the prompt.`)

  stage.chapter("The staff sets the course up")
  await stage.run(staff, "init_dbs", [])
  await stage.run(staff, "setup", [])
  stage.tell("Once more: setup finds all as it should be and changes nothing.\n")
  await stage.run(staff, "setup", [])

  stage.chapter("Two students make their identities")
  await stage.run(ann, "ec2_util", ["--init"], {
    shows: [/Creating account\.\.\./, /Your AWS access key is/],
  })
  await stage.run(bob, "ec2_util", ["--init"], { shows: [/Creating account\.\.\./] })
  await stage.run(ann, "ec2_util", ["--list"], { shows: [/cs61c-an-default/] })

  stage.chapter("Ann asks what two instances would cost, and launches them")
  await stage.run(ann, "ec2_runner", ["--count", "2", "--lease", "3h", "--dry-run"], { shows: [/0\.0208/] })
  const launched = await stage.run(ann, "ec2_runner", ["--count", "2", "--lease", "3h", "--wait"], {
    shows: [/\["i-/],
  })
  const [first = ""] = launched.stdout.match(/i-[0-9a-f]{17}/) ?? []
  await stage.run(ann, "ec2_active", [], { shows: [/running/, new RegExp(first)] })
  await stage.run(ann, "ec2_active", ["--extend", first, "1h"])
  await stage.run(ann, "ec2_active", ["--quota"])

  stage.chapter("Bob asks for more than his limit, and is refused with the arithmetic")
  await stage.run(bob, "ec2_runner", ["--count", "3", "--instance-type", "m5.large"], {
    code: 3,
    shows: [/limit \$0\.25\/h/],
  })
  await stage.run(bob, "ec2_runner", ["--count", "2", "--instance-type", "m5.large", "--spot", "--wait"])
  stage.tell("Ann's instances are not his to end:\n")
  await stage.run(bob, "ec2_active", ["--terminate", first], { code: 3 })

  stage.chapter("cron takes its snapshot; the staff looks")
  await stage.run(staff, "usage_cron", [])
  await stage.run(staff, "usage_report", ["ALL"], { shows: [/cs61c-an/, /cs61c-bo/, /sum/] })
  await stage.run(ann, "usage_report", [], { shows: [/Usage report for cs61c-an/] })

  stage.chapter("The evening: both end what they have")
  await stage.run(ann, "ec2_active", ["--terminate-all", "--wait"])
  await stage.run(bob, "ec2_active", ["--terminate-all", "--wait"])
  await stage.run(staff, "usage_cron", [])
  await stage.run(staff, "usage_report", ["ALL"])
  await stage.run(staff, "usage_report", [ann])

  stage.chapter("AWS's bill, beside our ledger")
  const ledger = await course.run("usage_report", ["ALL", "--json"], { compiled: true })
  for (const { user, lowest_usd, highest_usd } of JSON.parse(ledger.stdout).users as UserReport[]) {
    const billed = emulator.proxy.world.bill.total({ tag: [tagOf.owner, user] }) / 1e6
    const [from, to] = [lowest_usd, highest_usd].map((usd) => `$${usd.toFixed(6)}`)
    stage.check(
      `${user}: $${billed.toFixed(6)} billed lies within ${from} to ${to}`,
      lowest_usd <= billed && billed <= highest_usd,
      true,
    )
  }

  stage.chapter("The end of the term: every identity goes, after the course's name has been typed")
  await stage.run(staff, "kill_all_accounts", [], {}, { stdin: "cs61c\n" })

  stage.chapter("What AWS says")
  const { Reservations = [] } = await emulator.ec2.send(new DescribeInstancesCommand({}))
  const states = Reservations.flatMap(({ Instances = [] }) => Instances.map(({ State }) => State?.Name))
  stage.check("four instances were launched, all are terminated", states, Array(4).fill("terminated"))
  const { Users = [] } = await emulator.iam.send(new ListUsersCommand({}))
  stage.check(
    "no IAM user is left",
    Users.map(({ UserName }) => UserName),
    [],
  )
}
