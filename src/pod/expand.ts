/**
 * Expands `$(NAME)` as Kubernetes does for env values, command and args (Container.command, EnvVar.value): `$$` is one
 * dollar sign, so `$$(NAME)` is the text `$(NAME)`; a name that is not known stays as it stands.
 */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes("$")) return text;
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) => {
    if (name === undefined) return "$";
    return lookup(name) ?? whole;
  });
}
