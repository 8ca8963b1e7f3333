/** What a tool costs before it does anything, beside a compiled hello-world. */
import { compiledTool } from "../support/build.ts"
import { workspace } from "../support/tools.ts"
import { type Bench, ratio } from "./support/figures.ts"
import { helloWorld } from "./support/hello.ts"
import { medians } from "./support/timing.ts"

export const bench: Bench = {
  what: "whole processes beside a hello-world compiled in the same way",
  async run() {
    const course = workspace()
    try {
      await course.run("init_dbs")
      const env = {
        HOME: course.home("cs61c-aa"),
        REAL_USERNAME: "cs61c-aa",
        EC2_WRAPPERS_CONFIG: course.configPath,
      }
      const tool = (name: string, ...args: string[]) => ({ command: [compiledTool(name), ...args], env })
      const times = await medians(
        {
          hello: { command: [await helloWorld()] },
          help: tool("ec2_util", "--help"),
          report: tool("usage_report", "cs61c-aa", "--offline"),
        },
        { rounds: 31 },
      )
      return [
        ratio("ec2_util --help", times.help, ["hello world", times.hello], 3),
        ratio("usage_report USER --offline", times.report, ["hello world", times.hello], 3),
      ]
    } finally {
      course.remove()
    }
  },
}
