/** What crossing into the account costs: a program through the wrapper, and the same program without it. */
import { join } from "node:path"
import {
  compileC,
  compileWrapper,
  makeDist,
  makeHost,
  prefix,
  root,
  whyNoNamespaces,
} from "../boundary/host.ts"
import { type Bench, type Figure, ratio } from "./support/figures.ts"

const runs = 1000

export const bench: Bench = {
  what: `the setuid wrapper in front of a program that does nothing, ${runs} runs of each in turn, medians`,
  async run(): Promise<Figure[]> {
    const reason = whyNoNamespaces()
    if (reason) {
      console.log(`  not measured: ${reason}`)
      return []
    }
    const host = await makeHost(makeDist([]))
    try {
      const { shared } = host
      const program = `${prefix}/libexec/nothing`
      const wrapper = `${prefix}/bin/ec2-nothing`
      await Bun.write(join(shared, "nothing.c"), "int main(void) { return 0; }\n")
      compileC(join(shared, "nothing"), [join(shared, "nothing.c")])
      compileC(join(shared, "time_runs"), [join(root, "tests/boundary/time_runs.c")])
      compileWrapper(join(shared, "ec2-nothing"), "nothing")
      host.sh(`cp ${shared}/nothing ${program} && chmod 0111 ${program}
        cp ${shared}/ec2-nothing ${wrapper} && chown cs61c:cs61c ${wrapper} && chmod 4755 ${wrapper}`)
      const timer = [join(shared, "time_runs"), wrapper, program, String(runs)]
      const { stdout, stderr } = await host.as("cs61c-aa", [], timer)
      const [through = Number.NaN, direct = Number.NaN] = stdout.split("\n").map((line) => Number(line) / 1e6)
      if (!(direct > 0)) throw new Error(`nothing was measured: ${stderr}`)
      // It starts two processes, the writer and the program, and looks up two users.
      return [ratio("a run through the wrapper", through, ["without it", direct], 5)]
    } finally {
      host.stop()
    }
  },
}
