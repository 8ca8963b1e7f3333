/** What a cluster's master says of itself and its nodes. */
import type { Interface } from "node:readline"

export interface MasterFacts {
  /** Its names and addresses, the fully qualified name first. */
  names: string[]
  /** Hosts of the nodes that YARN knows. */
  nodes: string[]
  /** TCP ports on which something listens. */
  ports: number[]
}

/** Printed by the master at the start and at each line it gets; ends when we do, since its input then ends. */
export const reportMasterFacts = `report() {
  echo "name $(hostname -f 2>/dev/null || hostname)"; echo "name $(hostname)"
  for a in $(hostname -I 2>/dev/null); do echo "name $a"; done
  (ss -ltnH 2>/dev/null || netstat -ltn 2>/dev/null) | awk '{ n = split($4, p, ":"); print "port " p[n] }'
  curl -s -m 3 "http://$(hostname -f):8088/ws/v1/cluster/nodes" 2>/dev/null | tr ',{}' '\\n\\n\\n' |
    sed -n 's/^"nodeHostName":"\\([^"]*\\)".*/node \\1/p'
  echo ready
}
report
while read -r _; do report; done`

/** The next report's. */
export function readFacts(lines: Interface): Promise<MasterFacts> {
  return new Promise((resolve) => {
    const found = { name: new Set<string>(), node: new Set<string>(), port: new Set<string>() }
    const take = (line: string) => {
      const [, kind, value] = /^(name|node|port) (\S+)$/.exec(line) ?? []
      if (kind && value) found[kind as keyof typeof found].add(value)
      if (line !== "ready") return
      lines.off("line", take)
      const ports = [...found.port].map(Number).filter((port) => port > 0)
      resolve({ names: [...found.name], nodes: [...found.node], ports })
    }
    lines.on("line", take)
  })
}
