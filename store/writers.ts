// Who wrote a report, as far as the store knows, in the words that operators see and type: the owner of its file, or in
// Redis the name whose key it is in.

/** The owner of a file, by the number of the user. */
export const uidWriter = (uid: number): string => `uid ${uid}`;

/** The name whose key it is in. */
export const nameWriter = (name: string): string => `name ${name}`;

/** The user that a writer is; null for any other text. */
export const writersUid = (writer: string): number | null => {
  const uid = /^uid (\d{1,10})$/.exec(writer)?.[1];
  return uid === undefined ? null : Number(uid);
};

/** The name that a writer is; null for any other text. */
export const writersName = (writer: string): string | null => /^name (.*)$/s.exec(writer)?.[1] ?? null;
