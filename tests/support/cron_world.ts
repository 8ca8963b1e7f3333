/** What tests of usage_cron share: an emulator whose clock stands, a new course before each of them, and launches in it. */
import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test"
import { RunInstancesCommand, type RunInstancesCommandInput } from "@aws-sdk/client-ec2"
import { tagOf } from "../../lib/base/instance.ts"
import { msPerMinute } from "../../lib/base/time.ts"
import { courseWithCron } from "./cron.ts"
import { type Emulator, startEmulator } from "./emulator.ts"

export interface CronWorld {
  emulator: Emulator
  /** Where its clock stands at first: moto writes the real time into volumes. */
  begin: number
  course: ReturnType<typeof courseWithCron>
}

/** Hands over a fresh one before each test of the file. */
export function beforeEachFresh(hand: (world: CronWorld) => void): void {
  let emulator: Emulator
  let course: CronWorld["course"]
  beforeAll(async () => {
    emulator = await startEmulator()
  })
  afterAll(() => emulator.stop())
  beforeEach(async () => {
    await emulator.reset()
    const begin = Math.floor(Date.now() / 1000) * 1000
    emulator.proxy.world.clock.stop(begin)
    course = courseWithCron(emulator)
    hand({ emulator, begin, course })
  })
  afterEach(() => course.close())
}

/** Launches with the tags of ours for `login` ("": with none), a t3.micro where `parts` says no other, and lets a minute go by. */
export async function launchFor(
  { proxy, ec2, fixtures }: Emulator,
  login: string,
  parts: Partial<RunInstancesCommandInput> = {},
): Promise<string[]> {
  const Tags = [
    { Key: tagOf.owner, Value: login },
    { Key: tagOf.course, Value: "cs61c" },
  ]
  const { Instances = [] } = await ec2.send(
    new RunInstancesCommand({
      ...{ ImageId: fixtures.image, InstanceType: "t3.micro", MinCount: 1, MaxCount: 1 },
      ...(login !== "" && {
        TagSpecifications: [
          { ResourceType: "instance", Tags },
          { ResourceType: "volume", Tags },
        ],
      }),
      ...parts,
    }),
  )
  await proxy.advance(msPerMinute)
  return Instances.map(({ InstanceId = "" }) => InstanceId)
}
