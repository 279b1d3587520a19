import { keepSession } from "./session.ts";
import { assembleStore, type OpenedSqliteStore, type SqliteStoreOptions } from "./store.ts";

export { backupSqlite, restoreSqlite } from "./backup.ts";
export type { OpenedSqliteStore, SqliteStoreOptions } from "./store.ts";

/**
 * Opens a book in a SQLite file, making both where they are missing. One process at a time: the file is locked
 * until `close` or the end of the process, however it ends. An acknowledged commit is on disk.
 *
 * @throws DomainError STORE_UNAVAILABLE when the file is in use, not ours, newer, a link, or cannot be opened.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<OpenedSqliteStore> {
  return assembleStore(keepSession(options.path, options.book), options);
}
