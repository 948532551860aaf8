/**
 * Replaces $(NAME) by the variable's value in command, args and env values, in Kubernetes' way (third_party expansion):
 * $$ is one dollar sign, so $$(NAME) stays $(NAME); a reference to an unknown variable stays as it is written.
 */
export function expandVariables(text: string, variables: ReadonlyMap<string, string> | Readonly<Record<string, string>>): string {
  const lookUp = (name: string): string | undefined =>
    variables instanceof Map ? variables.get(name) : Object.hasOwn(variables, name) ? (variables as Record<string, string>)[name] : undefined;
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (reference, name: string | undefined) => (name === undefined ? "$" : (lookUp(name) ?? reference)));
}
