package guest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// grammarProgram reads scripts as JSON and writes, for each, where it is wrong.
const grammarProgram = `
const { Parser, Language } = require('web-tree-sitter');
(async () => {
	await Parser.init();
	const parser = new Parser();
	parser.setLanguage(await Language.load(require.resolve('tree-sitter-powershell/tree-sitter-powershell.wasm')));
	const wrong = (node) => {
		if (!node.hasError) return '';
		if (node.isError || node.isMissing) {
			return 'line ' + (node.startPosition.row + 1) + ': ' + (node.isMissing ? node.type + ' is missing' : node.text.split('\n')[0].slice(0, 80));
		}
		for (let i = 0; i < node.childCount; i++) {
			const found = wrong(node.child(i));
			if (found) return found;
		}
		return '';
	};
	const scripts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
	process.stdout.write(JSON.stringify(scripts.map((script) => wrong(parser.parse(script).rootNode))));
})();
`

// parsePowerShell says what is wrong with each script; "" is nothing. The grammar is one large
// function, which takes the optimising compiler half a minute.
func parsePowerShell(t *testing.T, modules string, scripts []string) (wrong []string) {
	t.Helper()
	input, err := json.Marshal(scripts)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "--liftoff-only", "--eval", grammarProgram)
	node.Env = append(os.Environ(), "NODE_PATH="+modules)
	node.Stdin = strings.NewReader(string(input))
	output, err := node.Output()
	if err == nil {
		err = json.Unmarshal(output, &wrong)
	}
	if err != nil || len(wrong) != len(scripts) {
		t.Fatalf("%v: %s", err, output)
	}
	return wrong
}

// has reports whether all of these are in a directory.
func has(dir string, names ...string) bool {
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return dir != ""
}
