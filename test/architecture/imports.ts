/**
 * Reads the imports of TypeScript files, by the compiler's own parser. Works on texts, so that
 * tests can plant violations in files that do not exist.
 */
import { dirname, join } from 'node:path/posix';
import ts from 'typescript';

export interface Import {
  /** `src/model.ts` for a file of ours; a package's or a built-in module's name otherwise. */
  readonly target: string;
  readonly internal: boolean;
  /** Gone when compiled, so it cannot be part of a cycle at run time. */
  readonly typeOnly: boolean;
}

export interface SourceFacts {
  readonly path: string;
  readonly imports: readonly Import[];
  /** Whether `process.env` is read, in any spelling. */
  readonly readsEnvironment: boolean;
  readonly usesConsole: boolean;
}

/** Static, dynamic and re-exporting imports, and uses of globals that the rules are about. */
export function readFacts(path: string, text: string): SourceFacts {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  let readsEnvironment = false;
  let usesConsole = false;

  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const internal = specifier.text.startsWith('.');
    const target = internal
      ? join(dirname(path), specifier.text).replace(/\.js$/u, '.ts')
      : packageName(specifier.text);
    imports.push({ target, internal, typeOnly });
    if (target === 'node:process' || target === 'process') readsEnvironment = true;
    if (target === 'node:console' || target === 'console') usesConsole = true;
  };

  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyImport(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (isMember(node, 'process', 'env')) readsEnvironment = true;
    else if (ts.isIdentifier(node) && node.text === 'console' && isGlobalUse(node)) usesConsole = true;
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, imports, readsEnvironment, usesConsole };
}

function isTypeOnlyImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = clause;
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.length > 0 &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  );
}

/** `process.env`, `process['env']`, `globalThis.process.env`, `const { env } = process`. */
function isMember(node: ts.Node, object: string, member: string): boolean {
  if (ts.isPropertyAccessExpression(node))
    return endsWith(node.expression, object) && node.name.text === member;
  if (ts.isElementAccessExpression(node)) {
    const argument = node.argumentExpression;
    return endsWith(node.expression, object) && ts.isStringLiteralLike(argument) && argument.text === member;
  }
  if (
    ts.isVariableDeclaration(node) &&
    node.initializer !== undefined &&
    ts.isObjectBindingPattern(node.name)
  ) {
    return (
      endsWith(node.initializer, object) &&
      node.name.elements.some((element) => (element.propertyName ?? element.name).getText() === member)
    );
  }
  return false;
}

function endsWith(expression: ts.Expression, name: string): boolean {
  if (ts.isIdentifier(expression)) return expression.text === name;
  return ts.isPropertyAccessExpression(expression) && expression.name.text === name;
}

/** Not the name of a property or another declaration that happens to read `console`. */
function isGlobalUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  return !('name' in parent && parent.name === node);
}

function packageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}
