/**
 * Hadoop in the layout of Apache's own archive: its jars are those of Maven Central, fetched once into .cache; its launchers, which
 * no registry has, are the lab's (`lab/hadoop`).
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { root } from "../support/build.ts"

const version = "3.4.2"

/** What lies directly in each folder of share/hadoop; what these need beyond the folders before lies in its `lib`. */
const parts = {
  common: ["hadoop-common"],
  hdfs: ["hadoop-hdfs", "hadoop-hdfs-client"],
  yarn: [
    "hadoop-yarn-client",
    "hadoop-yarn-server-nodemanager",
    "hadoop-yarn-server-resourcemanager",
    "hadoop-yarn-server-timelineservice",
  ],
  mapreduce: [
    "hadoop-mapreduce-client-app",
    "hadoop-mapreduce-client-hs",
    "hadoop-mapreduce-client-jobclient",
    "hadoop-mapreduce-client-shuffle",
    "hadoop-mapreduce-examples",
  ],
  tools: ["hadoop-streaming"],
}

/** Its directory, or null where it cannot be had: no Java, no Maven, no registry. */
export async function hadoopHome(): Promise<string | null> {
  if (!Bun.which("java") || !Bun.which("mvn")) return null
  const home = join(root, ".cache", `hadoop-${version}`)
  if (!existsSync(home)) {
    const work = join(root, ".cache", `hadoop-${process.pid}`)
    try {
      if (!fetchJars(work)) return null
      renameSync(join(work, "hadoop"), home)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }
  const lab = join(import.meta.dir, "lab")
  for (const folder of ["bin", "etc/hadoop"]) mkdirSync(join(home, folder), { recursive: true })
  for (const name of ["hadoop", "hdfs", "yarn", "mapred"])
    copyFileSync(join(lab, "hadoop"), join(home, "bin", name))
  // The pages' files are in the archive alone; the daemons want their folders.
  for (const page of ["hdfs", "datanode", "secondary", "static"])
    mkdirSync(join(home, "share", "hadoop", "hdfs", "webapps", page), { recursive: true })
  copyFileSync(join(lab, "log4j.properties"), join(home, "etc", "hadoop", "log4j.properties"))
  return home
}

/** Lets Maven resolve each part's closure, then lays out what comes new with each. */
function fetchJars(work: string): boolean {
  const names = Object.keys(parts) as (keyof typeof parts)[]
  for (const name of names) {
    mkdirSync(join(work, name), { recursive: true })
    const dependencies = parts[name].map(
      (artifact) =>
        `<dependency><groupId>org.apache.hadoop</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
    )
    // Apache's own choice of versions.
    const project = `<dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-project</artifactId><version>${version}</version><type>pom</type><scope>import</scope></dependency>`
    writeFileSync(
      join(work, name, "pom.xml"),
      pom(
        name,
        `<dependencyManagement><dependencies>${project}</dependencies></dependencyManagement><dependencies>${dependencies.join("")}</dependencies>`,
      ),
    )
  }
  const modules = names.map((name) => `<module>${name}</module>`).join("")
  writeFileSync(join(work, "pom.xml"), pom("all", `<packaging>pom</packaging><modules>${modules}</modules>`))
  const resolved = Bun.spawnSync(
    ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"],
    { cwd: work, stderr: "ignore", stdout: "ignore" },
  )
  if (!resolved.success) return false
  const seen = new Set<string>()
  for (const name of names) {
    const from = join(work, name, "target", "dependency")
    const folder = join(work, "hadoop", "share", "hadoop", name)
    mkdirSync(join(folder, "lib"), { recursive: true })
    for (const jar of readdirSync(from)) {
      if (seen.has(jar)) continue
      seen.add(jar)
      const isOwn =
        name !== "tools" && basename(jar).startsWith("hadoop-") && !/shaded|annotations|auth/.test(jar)
      renameSync(join(from, jar), join(folder, isOwn ? "" : "lib", jar))
    }
  }
  return true
}

function pom(artifact: string, content: string): string {
  return `<project><modelVersion>4.0.0</modelVersion><groupId>lab</groupId><artifactId>${artifact}</artifactId><version>1</version>${content}</project>`
}
