/** What a hostile student can do to others with the installed commands: each attack is a shell script. */
import { prefix } from "../boundary/host.ts"
import { tool } from "../boundary/transaction_host.ts"

const [run, active, util] = ["ec2-run", "ec2-active", "ec2-util"].map((name) => `${prefix}/bin/${name}`)

/** Busy loops on one processor, from the moment that a run has its lock. */
const starve = (loops: number, options: string) => `
  taskset -c 0 ${tool} --hold 50 2>/dev/null >/dev/null & run=$!
  for i in $(seq 200); do grep -q "POSIX.* WRITE $run " /proc/locks && break; done
  loops=; for i in $(seq ${loops}); do taskset -c 0 ${options} sh -c 'while :; do :; done' & loops="$loops $!"; done
  sleep 3; kill -9 $loops; wait $run`

const manyHugeVolumes = JSON.stringify({
  ...{ protocol: 2, client_token: "huge", action: "create_volumes" },
  volumes: Array.from({ length: 40 }, () => ({ gib: 16_384, zone: "us-east-1a" })),
})

export type Attacks = Record<string, string>

/** @param image that exists at the emulator. */
export function hostileAttacks(image: string): Attacks {
  const launch = `${run} -a ${image} -t t3.micro`
  const quietly = ">/dev/null 2>&1"
  return {
    "starve the run": starve(30, ""),
    "starve it with nice": `nice -n 5 sh -c '${starve(20, "").replaceAll("'", "'\\''")}'`,
    "nice 19": `nice -n 19 ${tool} --hold 50 ${quietly}`,
    "hold the lock": `timeout -s KILL 8 ${tool} --hold 20000 ${quietly}`,
    "hold the audit log": `${tool} --hold 4000 --lock audit-log ${quietly}`,
    "keep staff's turn": `${tool} --hold 4000 --lock turn.lock ${quietly}`,
    "ten at once": `for i in 1 2 3 4 5 6 7 8 9 10; do ${tool} --hold 100 ${quietly} & done; wait`,
    "never drain": `mkfifo $$.p; sleep 5 <$$.p & ${tool} --hold 1 --lines 50000 >$$.p 2>/dev/null; wait; rm -f $$.p`,
    "close all": `${tool} --hold 10 <&- >&- 2>&-`,
    "fill the log": `for i in 1 2 3 4 5; do ${tool} --hold 1 --refuse ${"x".repeat(20_000)} ${quietly}; done`,
    "ask for too many": `for i in 1 2 3; do ${launch} -c 20000 ${quietly}; done`,
    "ask for a petabyte": `printf '%s' '${manyHugeVolumes}' | ${run} --stdin-json ${quietly}`,
    "launch and end": `${launch} ${quietly}; ${active} --terminate-all ${quietly}`,
    "leave it running": `${launch} ${quietly}`,
    "end at once, again": `for i in 1 2 3; do ${active} --terminate-all ${quietly}; done`,
    "write a line of spaces": `mkdir -p .aws; { printf '['; head -c 100000 /dev/zero | tr '\\0' ' '; } >.aws/credentials
      timeout 20 ${util} --init ${quietly}; rm -f .aws/credentials`,
    "type byte by byte": `i=0; { while [ $i -lt 2000 ]; do printf x; i=$((i+1)); done; } | ${run} --stdin-json ${quietly}`,
    "kill what one may": `${launch} ${quietly} & sleep 0.2; kill -9 $! 2>/dev/null; kill -STOP $! 2>/dev/null; wait`,
  }
}
