/** Before every test file: tests that start processes and an emulator need more than bun's five seconds. */
import { setDefaultTimeout } from "bun:test"

setDefaultTimeout(60_000)
