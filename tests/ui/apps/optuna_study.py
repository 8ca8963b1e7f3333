import sys
import optuna
from optuna_dashboard import run_server

storage = optuna.storages.InMemoryStorage()
study = optuna.create_study(storage=storage, study_name="words")
study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=5)
run_server(storage, host=sys.argv[1], port=int(sys.argv[2]))
