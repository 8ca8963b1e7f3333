/** Which instance a network interface belonged to: AWS bills a public address by its interface. */
import type { Db } from "../db.ts"

export function networkInterfaces(db: Db) {
  return {
    /** Unless it is known already: an interface never moves to another instance as the primary one. Inside the caller's transaction. */
    note(interfaceIds: readonly string[], instanceId: string, login: string): void {
      for (const interfaceId of interfaceIds)
        db.query(
          `INSERT INTO network_interfaces(interface_id, instance_id, login) VALUES (?, ?, ?)
           ON CONFLICT (interface_id) DO NOTHING`,
        ).run(interfaceId, instanceId, login)
    },

    /** The login of the instance that it belonged to ("" for nobody's); null where the interface is unknown. */
    ownerOf(interfaceId: string): string | null {
      const row = db
        .query<{ login: string }, [string]>("SELECT login FROM network_interfaces WHERE interface_id = ?")
        .get(interfaceId)
      return row?.login ?? null
    },
  }
}
