"""The same measures and tests by trec_eval (through pytrec_eval) and SciPy.

    reference.py measures RUN QRELS      per query and mean, as JSON on standard output
    reference.py permutation             [[difference, ...], ...] on standard input -> [p, ...]

A run file's ids are as written there; QRELS is "query<TAB>document<TAB>relevance", its ids written the same way.
"""

import json
import re
import sys

import pytrec_eval

NAMES = {"ndcg@10": "ndcg_cut_10", "recall@10": "recall_10", "recall@100": "recall_100", "map": "map"}


def measure(run, qrels):
    wanted = {"ndcg_cut.10", "recall.10,100", "map", "recip_rank"}
    # trec_eval writes past its memory when a query's highest relevance is below -1.
    qrels = {query: {name: max(-1, value) for name, value in rows.items()} for query, rows in qrels.items()}
    found = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)
    per_query = {}
    for query in qrels:  # trec_eval -c: every judged query, 0 where the run has none
        values = found.get(query)
        measures = {ours: values[theirs] if values else 0.0 for ours, theirs in NAMES.items()}
        rank = values["recip_rank"] if values else 0.0
        measures["mrr@10"] = rank if rank >= 0.1 else 0.0
        per_query[query] = measures
    names = [*NAMES, "mrr@10"]
    mean = {name: sum(m[name] for m in per_query.values()) / len(per_query) for name in names}
    return {"mean": mean, "per_query": per_query}


def permutation(samples):
    from scipy import stats

    def p(differences):
        result = stats.permutation_test(
            (differences,),
            lambda x, axis: x.mean(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=200_000,
            batch=1000,
            rng=1,
        )
        return float(result.pvalue)

    return [p(differences) for differences in samples]


def read_run(path):
    run = {}
    with open(path, encoding="utf-8", newline="\n") as lines:
        for line in lines:
            query, _, document, _, score, _ = re.split(r"[ \t]+", line.strip(" \t\r\n"))
            documents = run.setdefault(query, {})
            documents[document] = max(float(score), documents.get(document, float("-inf")))
    return run


def read_qrels(path):
    qrels = {}
    with open(path, encoding="utf-8", newline="\n") as lines:
        for line in lines:
            query, document, relevance = line.rstrip("\r\n").split("\t")
            qrels.setdefault(query, {})[document] = int(relevance)
    return qrels


if __name__ == "__main__":
    if sys.argv[1] == "measures":
        answer = measure(read_run(sys.argv[2]), read_qrels(sys.argv[3]))
    else:
        answer = permutation(json.load(sys.stdin))
    json.dump(answer, sys.stdout)
