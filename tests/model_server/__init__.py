"""A small model server for tests and demos: TensorFlow Serving's predict calls over gRPC and REST, on this machine.

python tests/model_server --model_base_path=saved_models/etvae --port=8500 --rest_api_port=8501
"""
