/**
 * Eigenvalues and unit eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub, Van Loan: Matrix
 * Computations, 8.5). For small matrices; `matrix` is overwritten.
 *
 * @returns vectors[k] belongs to values[k]; in no particular order.
 */
export function symmetricEigen(matrix: Float64Array[]): { values: number[]; vectors: Float64Array[] } {
  const n = matrix.length;
  const vectors = Array.from({ length: n }, (_, k) =>
    Float64Array.from({ length: n }, (_unused, i) => (i === k ? 1 : 0)),
  );
  const at = (i: number, j: number) => matrix[i]?.[j] ?? 0;
  for (let sweep = 0; sweep < 60 && offDiagonal(matrix) > 1e-22; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (at(p, q) === 0) continue;
        const theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotateRows(matrix, p, q, c, t * c);
        for (const row of matrix) rotate(row, p, q, c, t * c);
        rotateRows(vectors, p, q, c, t * c);
      }
    }
  }
  return { values: matrix.map((row, i) => row[i] ?? 0), vectors };
}

function rotate(row: Float64Array, p: number, q: number, c: number, s: number): void {
  const x = row[p] ?? 0;
  const y = row[q] ?? 0;
  row[p] = c * x - s * y;
  row[q] = s * x + c * y;
}

function rotateRows(rows: readonly Float64Array[], p: number, q: number, c: number, s: number): void {
  const a = rows[p];
  const b = rows[q];
  if (!a || !b) return;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? 0;
    const y = b[i] ?? 0;
    a[i] = c * x - s * y;
    b[i] = s * x + c * y;
  }
}

function offDiagonal(matrix: readonly Float64Array[]): number {
  let sum = 0;
  for (const [i, row] of matrix.entries()) for (const [j, x] of row.entries()) if (i !== j) sum += x * x;
  return sum;
}
