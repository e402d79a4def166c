/** Return the text of a form field, "" if the form has no such field. */
export function getText(formData: FormData, name: string): string {
  return String(formData.get(name) ?? "");
}
