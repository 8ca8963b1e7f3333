/** Spark's jars, which the clusters' tests fetch too, and the one of Hadoop's that its pages need, fetched once into .cache. */
import { existsSync, mkdirSync, renameSync } from "node:fs"
import { join } from "node:path"
import { sparkHome } from "../clusters/spark.ts"
import { root } from "../support/build.ts"
import type { Jars } from "./daemons.ts"

/** The Hadoop that this Spark was built with. */
const version = "3.3.4"
const name = `hadoop-client-minicluster-${version}.jar`

/** Them, or why they cannot be had. */
export async function fetchJars(): Promise<Jars | string> {
  if (!Bun.which("java")) return "no Java (Debian: apt install default-jre-headless)"
  const home = await sparkHome()
  if (home === null) return "PyPI's pyspark cannot be had"
  const hadoop = join(root, ".cache", name)
  if (!existsSync(hadoop) && !fetchHadoop(hadoop)) return `Maven Central's ${name} cannot be had`
  return { spark: join(home, "jars"), hadoop }
}

/** By Maven, which knows the mirrors of where it runs, else from Maven Central itself. */
function fetchHadoop(to: string): boolean {
  const work = join(root, ".cache", `minicluster-${process.pid}`)
  mkdirSync(work, { recursive: true })
  const artifact = `org.apache.hadoop:hadoop-client-minicluster:${version}`
  const command = Bun.which("mvn")
    ? ["mvn", "-q", "-B", "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${work}`]
    : [
        ...["curl", "-fsS", "-o", join(work, name)],
        `https://repo.maven.apache.org/maven2/org/apache/hadoop/hadoop-client-minicluster/${version}/${name}`,
      ]
  const fetched = Bun.which(command[0] as string) !== null && Bun.spawnSync(command).success
  if (fetched) renameSync(join(work, name), to)
  Bun.spawnSync(["rm", "-rf", work])
  return fetched
}
