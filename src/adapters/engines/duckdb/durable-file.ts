/** A file whose content, and whose being there, outlive a power cut once the call has come back. */
import { open } from 'node:fs/promises';

export async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
