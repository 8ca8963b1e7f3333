/** Students as ec2_util makes them, without running it: rows in users.db and a key pair at the emulator. */
import { ImportKeyPairCommand } from "@aws-sdk/client-ec2"
import { systemClock } from "../../lib/host/clock.ts"
import { usersDbAt } from "./databases.ts"
import type { Emulator } from "./emulator.ts"
import type { Workspace } from "./tools.ts"

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

/** Each gets the access key and `LOGIN-default`. The databases must exist. */
export async function addStudents(course: Workspace, emulator: Emulator, logins: string[]): Promise<void> {
  const usersDb = usersDbAt({ path: `${course.dataDir}/users.db`, clock: systemClock })
  try {
    for (const login of logins) {
      const name = `${login}-default`
      await emulator.ec2.send(
        new ImportKeyPairCommand({ KeyName: name, PublicKeyMaterial: Buffer.from(publicKey) }),
      )
      usersDb.transaction(() => {
        usersDb.users.add({ login, createdAt: new Date().toISOString(), createdBy: login, password: null })
        usersDb.accessKeys.add(login, { id: `AKIA${login}`, secret: "secret" })
        usersDb.sshKeys.put(login, { name, privateKey: null, publicKey, fingerprint: "" })
      })
    }
  } finally {
    usersDb.close()
  }
}
