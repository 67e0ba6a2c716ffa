/* All tables of the page as one ZIP, stored as they are; nothing is fetched. */
const crcs = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});
const checksum = (bytes) => ~bytes.reduce((crc, byte) => crcs[(crc ^ byte) & 255] ^ (crc >>> 8), -1) >>> 0;
/* Numbers of two or four bytes, as [value, bytes]. */
function packed(...fields) {
  return Uint8Array.from(fields.flatMap(([value, bytes]) => Array.from({ length: bytes }, (_, k) => (value >>> (8 * k)) & 255)));
}
/* What a file's two headers share: version, flags (names are UTF-8), method, time, date, sums, sizes. */
function entry(name, bytes) {
  return packed([20, 2], [0x800, 2], [0, 2], [0, 2], [33, 2], [checksum(bytes), 4], [bytes.length, 4], [bytes.length, 4], [name.length, 2], [0, 2]);
}
function zipped(files) {
  const [parts, index, encoder] = [[], [], new TextEncoder()];
  let offset = 0;
  for (const [title, text] of files) {
    const [name, bytes] = [encoder.encode(title), encoder.encode(text)];
    const shared = entry(name, bytes);
    index.push(packed([0x02014b50, 4], [20, 2]), shared, packed([0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), name);
    const local = [packed([0x04034b50, 4]), shared, name, bytes];
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const size = index.reduce((sum, part) => sum + part.length, 0);
  const end = packed([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [offset, 4], [0, 2]);
  return new Blob([...parts, ...index, end], { type: "application/zip" });
}
const zip = document.getElementById("zip");
zip.hidden = false;
zip.addEventListener("click", () => {
  const files = all("#downloads a[download]").map((link) => [link.download, decodeURIComponent(link.href.slice(link.href.indexOf(",") + 1))]);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(zipped(files));
  link.download = "batchmark-tables.zip";
  link.click();
  URL.revokeObjectURL(link.href);
});
addEventListener("beforeprint", () => all(".more").forEach((one) => { one.open = true; }));
