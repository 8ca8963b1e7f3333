/** `~/.hadoop-cloud/CLUSTER/hadoop-site.xml`: for Hadoop's commands on the login host, through the `proxy`. */

import type { Role } from "../../decisions/clusters/roles.ts"
import type { ClusterSession } from "./deps.ts"
import { clusterFile, writeText } from "./files.ts"
import type { ClusterNode } from "./nodes.ts"

/** Writes the addresses of the name node and the resource manager, and the SOCKS port to reach them by. */
export function writeClientSite(session: ClusterSession, nodes: readonly ClusterNode[]): void {
  const { settings } = session
  const addressOf = (role: Role) => nodes.find(({ roles }) => roles.includes(role))?.privateIp
  const nameNode = addressOf("nn")
  const resourceManager = addressOf("rm")
  const properties: Record<string, string | undefined> = {
    "fs.defaultFS": nameNode && `hdfs://${nameNode}:8020`,
    "yarn.resourcemanager.hostname": resourceManager,
    "mapreduce.framework.name": resourceManager && "yarn",
    "hadoop.rpc.socket.factory.class.default": "org.apache.hadoop.net.SocksSocketFactory",
    "hadoop.socks.server": `localhost:${settings.proxyPort}`,
    "dfs.client.use.datanode.hostname": "false",
  }
  const lines = Object.entries(properties).flatMap(([name, value]) =>
    value === undefined ? [] : [`  <property><name>${name}</name><value>${value}</value></property>`],
  )
  writeText(
    clusterFile(session, "site"),
    ['<?xml version="1.0"?>', "<configuration>", ...lines, "</configuration>", ""].join("\n"),
  )
}
