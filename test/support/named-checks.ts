/** A check that a document names: a file, and perhaps a test in it. */
export interface NamedCheck {
  readonly path: string;
  /** Beginning or part of the test's name; null = the file itself is the check. */
  readonly title: string | null;
}

/** A row of a table whose last column is `checked by`. */
export interface CheckedRow {
  readonly rule: string;
  readonly checks: readonly NamedCheck[];
}

/**
 * Rows of every Markdown table with a last column `checked by`. A cell names checks as `` `path` "title", "title"; `path` ``.
 * A title without a path before it in its cell is of no file, and is returned with an empty path.
 */
export function checkedRows(markdown: string): CheckedRow[] {
  const rows: CheckedRow[] = [];
  let isChecked = false;
  for (const line of markdown.split("\n")) {
    if (!line.startsWith("|")) {
      isChecked = false;
      continue;
    }
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (cells.at(-1) === "checked by") isChecked = true;
    else if (isChecked && !cells.every((cell) => /^-+$/.test(cell))) {
      rows.push({ rule: cells[0] ?? "", checks: checksIn(cells.at(-1) ?? "") });
    }
  }
  return rows;
}

function checksIn(cell: string): NamedCheck[] {
  const checks: NamedCheck[] = [];
  let path = "";
  let hasTitle = true;
  for (const [, file, title] of cell.matchAll(/`([^`]+)`|"([^"]+)"/g)) {
    if (file !== undefined) {
      if (!hasTitle) checks.push({ path, title: null });
      path = file;
      hasTitle = false;
    } else if (title !== undefined) {
      checks.push({ path, title });
      hasTitle = true;
    }
  }
  if (!hasTitle) checks.push({ path, title: null });
  return checks;
}

/** What is wrong with the rows. @param read text of a file of the repository; null when there is none. */
export function checkComplaints(rows: readonly CheckedRow[], read: (path: string) => string | null): string[] {
  return rows.flatMap(({ rule, checks }) => {
    if (checks.length === 0) return [`"${rule}" has no check`];
    return checks.flatMap(({ path, title }) => {
      const content = path === "" ? null : read(path);
      if (content === null) return [`"${rule}": there is no ${path || `file for "${title}"`}`];
      return title === null || content.includes(title) ? [] : [`"${rule}": ${path} has no "${title}"`];
    });
  });
}
