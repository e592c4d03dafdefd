// Where a picture can be looked at: on this device, as long as the page that took it is open, else on the server.

const seen = new Map<string, string>();
const ofBlobs = new WeakMap<Blob, string>();

export function previewOfBlob(blob: Blob): string {
  const found = ofBlobs.get(blob) ?? URL.createObjectURL(blob);
  ofBlobs.set(blob, found);
  return found;
}

export function rememberPreview(fileId: string, blob: Blob): void {
  seen.set(fileId, previewOfBlob(blob));
}

export function previewOf(fileId: string): string {
  return seen.get(fileId) ?? `/v1/files/${fileId}/content`;
}
